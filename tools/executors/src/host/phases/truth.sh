# What is true on this host: asked before anything is undone, and after a lost connection. Changes nothing.
fact current "$(current)"
fact previous "$(previous)"
