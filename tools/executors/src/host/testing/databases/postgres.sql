-- Data that breaks naive dumps: loaded into an empty database by the tests.
ALTER DATABASE CURRENT_DATABASE_NAME SET search_path = "a schema", public;
ALTER DATABASE CURRENT_DATABASE_NAME SET work_mem = '5MB';
REVOKE CONNECT ON DATABASE CURRENT_DATABASE_NAME FROM PUBLIC;

CREATE SCHEMA "a schema";
CREATE TYPE mood AS ENUM ('glad', 'it''s "so"');
CREATE DOMAIN small AS int CHECK (VALUE < 100);

CREATE TABLE "it's ""a"" `b` $(c)" (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  "select me" text,
  bytes bytea,
  felt mood DEFAULT 'glad',
  many int[],
  document jsonb,
  doubled int GENERATED ALWAYS AS (cardinality(many) * 2) STORED,
  low small
);
INSERT INTO "it's ""a"" `b` $(c)" ("select me", bytes, many, document, low) VALUES
  ('𝔘 😀 äöü', '\x00ff0a0d1a5c2722', '{1,2,NULL}', '{"a": "\u0001\\\""}', 5),
  (E'line\n\\.\nCOPY public.x (id) FROM stdin;\n-- PostgreSQL database dump complete', NULL, NULL, NULL, NULL),
  (E'\r\n\t\\ '' " ; $$ \\gexec', decode(repeat('fe', 70000), 'hex'), '{}', '[]', 99);

CREATE TABLE "a schema".chicken (id int PRIMARY KEY, egg int, note text);
CREATE TABLE "a schema".egg (id int PRIMARY KEY, chicken int REFERENCES "a schema".chicken DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE "a schema".chicken ADD FOREIGN KEY (egg) REFERENCES "a schema".egg DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO "a schema".chicken VALUES (1, 1, 'first'), (2, 2, 'second');
INSERT INTO "a schema".egg VALUES (1, 2), (2, 1);
COMMIT;
CREATE TABLE empty_one (id int);
CREATE TABLE audit (id serial PRIMARY KEY, said text);
CREATE TABLE parted (at date, what text) PARTITION BY RANGE (at);
CREATE TABLE parted_2026 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO parted VALUES ('2026-05-05', 'in it');

CREATE VIEW "a view" AS SELECT id, note FROM "a schema".chicken;
CREATE VIEW above AS SELECT v.id, v.note, e.id AS egg FROM "a view" v JOIN "a schema".egg e ON e.chicken = v.id;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM above;

CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql IMMUTABLE AS $f$ SELECT x * 2; -- DELIMITER ;;
$f$;
CREATE PROCEDURE noted(what text) LANGUAGE plpgsql AS $$
BEGIN
-- COPY public.x (id) FROM stdin;
  INSERT INTO public.audit (said) VALUES (what || E'\\.');
END
$$;
CREATE FUNCTION heard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.audit (said) VALUES ('new; ' || NEW.note);
  RETURN NEW;
END
$$;
CREATE TRIGGER "heard ""again""" AFTER INSERT ON "a schema".chicken FOR EACH ROW EXECUTE FUNCTION heard();
SELECT lo_from_bytea(4711, '\xdeadbeef00');
COMMENT ON TABLE audit IS 'what was said';
