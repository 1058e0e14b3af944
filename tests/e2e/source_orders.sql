-- The demo's orders, computed from the source data alone.
--
-- Nothing of the services is used here, and of the demo only what it fixed at its first run (the table `given`: week
-- shift, instant of the figures, number of households). The variable `transactions_file` names the source's lines; no
-- figure depends on a product's description.

-- Instants are TIMESTAMP in UTC. New York is five hours behind, four in summer; summer time begins on the second Sunday
-- of March at 2:00 and ends on the first Sunday of November at 2:00 (since 2007). Written out here, so that no time
-- zone database is shared with what is checked.
CREATE MACRO first_sunday(month_start) AS month_start + ((7 - dayofweek(month_start)) % 7)::INTEGER;
CREATE MACRO march_sunday(instant) AS first_sunday(make_date(year(instant), 3, 1)) + 7;
CREATE MACRO november_sunday(instant) AS first_sunday(make_date(year(instant), 11, 1));
CREATE MACRO new_york_local(utc) AS utc - CASE
    WHEN utc >= march_sunday(utc) + INTERVAL 7 HOUR AND utc < november_sunday(utc) + INTERVAL 6 HOUR
    THEN INTERVAL 4 HOUR ELSE INTERVAL 5 HOUR END;
-- A local time that happens twice is its first happening; one that is skipped is read as if winter time went on.
CREATE MACRO new_york_utc(wall) AS wall + CASE
    WHEN wall >= march_sunday(wall) + INTERVAL 3 HOUR AND wall < november_sunday(wall) + INTERVAL 2 HOUR
    THEN INTERVAL 4 HOUR ELSE INTERVAL 5 HOUR END;
-- In the demo everything happens a whole number of weeks later, at the same local time of day.
CREATE MACRO in_demo(recorded) AS
    new_york_utc(new_york_local(recorded) + (SELECT weeks FROM given) * INTERVAL 7 DAY);

-- A line. Quantities of zero and above 100 (fuel, by volume) are one item. Paid: sales value less manufacturers'
-- coupons, never below zero. The unit price is the shelf price rounded up to a cent, and the discount is what was not
-- paid of it: a rounded-up cent is a discount too.
CREATE TABLE line AS
WITH cents AS (
    SELECT household_id, basket_id, product_id, transaction_timestamp AS recorded_at,
           CASE WHEN quantity = 0 OR quantity > 100 THEN 1 ELSE quantity END AS quantity,
           CAST(CAST(sales_value AS DECIMAL(9, 2)) * 100 AS BIGINT) AS sales,
           CAST(CAST(coupon_disc AS DECIMAL(9, 2)) * 100 AS BIGINT) AS coupons,
           CAST(CAST(retail_disc AS DECIMAL(9, 2)) * 100 AS BIGINT) AS retail,
           CAST(CAST(coupon_match_disc AS DECIMAL(9, 2)) * 100 AS BIGINT) AS matched
    FROM read_parquet(getvariable('transactions_file'))
)
SELECT household_id, basket_id, product_id, recorded_at, quantity, greatest(sales - coupons, 0) AS paid,
       (sales + retail + matched) + (quantity - (sales + retail + matched) % quantity) % quantity
           > greatest(sales - coupons, 0) AS discounted
FROM cents;

-- The calendar's end is the last order of all the data, whatever the sample. The last seven local days are live.
CREATE TABLE calendar AS
SELECT last_at, CAST(new_york_local(last_at) AS DATE) AS last_on,
       new_york_utc(CAST(CAST(new_york_local(last_at) AS DATE) - 6 AS TIMESTAMP)) AS live_from
FROM (SELECT in_demo(max(recorded_at)) AS last_at FROM line);

-- The sample: the households with the smallest MD5 of "18110:" and their number, as many as are given.
CREATE TABLE household AS
SELECT household_id FROM (SELECT DISTINCT household_id FROM line)
QUALIFY row_number() OVER (ORDER BY md5('18110:' || household_id)) <= (SELECT households FROM given);

-- One basket is one order.
CREATE TABLE basket AS
SELECT household_id, basket_id, in_demo(min(recorded_at)) AS placed_at,
       CAST(sum(paid) AS BIGINT) AS paid, CAST(sum(quantity) AS BIGINT) AS items, bool_or(discounted) AS discounted,
       count(*) FILTER (WHERE paid > 0) AS paid_lines,
       -- The dearest line, of equal ones that of the larger product number: what a refund is made of.
       arg_max({'paid': paid, 'quantity': quantity}, {'paid': paid, 'product_id': product_id}) AS dearest
FROM line SEMI JOIN household USING (household_id) GROUP BY household_id, basket_id;
