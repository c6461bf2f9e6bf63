# proxy_restore SERVICE ENVIRONMENT: this service's routes lead to the release in `current` again; none are left where there is
# no such release.
proxy_restore() { :; }

# proxy_serving SERVICE ENVIRONMENT: releases that the routes lead to, on one line.
proxy_serving() { current; }
