-- Data that breaks naive dumps: loaded into an empty database by the tests.
SET NAMES utf8mb4;
SET sql_mode = '';
SET foreign_key_checks = 0;

CREATE TABLE `it's "a" ``b`` $(c)` (
  id INT PRIMARY KEY AUTO_INCREMENT,
  price INT NOT NULL DEFAULT 21,
  `select me` TEXT CHARACTER SET utf8mb4,
  zero_date DATE NOT NULL,
  zero_time DATETIME NOT NULL,
  bytes BLOB,
  bits BIT(9),
  doubled INT GENERATED ALWAYS AS (price * 2) VIRTUAL,
  kept VARCHAR(40) GENERATED ALWAYS AS (CONCAT('#', price)) STORED
);
INSERT INTO `it's "a" ``b`` $(c)` (`select me`, zero_date, zero_time, bytes, bits) VALUES
  ('𝔘 😀 äöü', '0000-00-00', '0000-00-00 00:00:00', X'00FF0A0D1A5C2722', b'101010101'),
  ('line\nUNLOCK TABLES;\nINSERT INTO `x` VALUES (1);\n-- Dump completed', '2024-02-00', '0000-00-00 00:00:00', NULL, NULL),
  ('\r\n\t\\ \' " ; -- DELIMITER $$ \Z', '2026-01-01', '2026-01-01 01:02:03', REPEAT(X'FE', 70000), b'0');

CREATE TABLE chicken (id INT PRIMARY KEY, egg INT, note VARCHAR(99),
  CONSTRAINT laid FOREIGN KEY (egg) REFERENCES egg (id) ON DELETE CASCADE);
CREATE TABLE egg (id INT PRIMARY KEY, chicken INT,
  FOREIGN KEY (chicken) REFERENCES chicken (id) ON DELETE SET NULL);
INSERT INTO chicken VALUES (1, 1, 'first'), (2, 2, 'second');
INSERT INTO egg VALUES (1, 2), (2, 1);
CREATE TABLE empty_one (id INT);
CREATE TABLE audit (id INT PRIMARY KEY AUTO_INCREMENT, said VARCHAR(200));

CREATE VIEW `a view` AS SELECT id, note FROM chicken;
CREATE VIEW above AS SELECT v.id, v.note, e.id AS egg FROM `a view` v JOIN egg e ON e.chicken = v.id;
CREATE VIEW aaa_on_top AS SELECT COUNT(*) AS n FROM above;

DELIMITER $$
CREATE TRIGGER heard AFTER INSERT ON chicken FOR EACH ROW
BEGIN
  INSERT INTO audit (said) VALUES (CONCAT('new; ', NEW.note));
END$$
CREATE TRIGGER `heard "again"` BEFORE UPDATE ON chicken FOR EACH ROW SET NEW.note = CONCAT(NEW.note, ';');
$$
CREATE PROCEDURE count_all(OUT n INT)
BEGIN
-- a line that looks like the tool's:
INSERT INTO audit (said) VALUES ('DELIMITER ;;');
  SELECT COUNT(*) INTO n FROM chicken;
END$$
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC
RETURN x * 2$$
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO
BEGIN
  DELETE FROM audit WHERE id < 0;
  DELETE FROM empty_one;
END$$
DELIMITER ;
SET foreign_key_checks = 1;
