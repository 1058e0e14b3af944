-- Every figure that the demo prints, from the orders of source_orders.sql and the lots in `drawn`.

-- Half an hour after a live order was placed, 1.5 % of them are cancelled and 3 % refunded in part: one item of the
-- dearest line, if a second line was paid for. Orders of the data's last half hour keep what they have.
CREATE TABLE told AS
SELECT b.*, placed_at >= live_from AS live, row_number() OVER (household) = 1 AS first_ever,
       coalesce(lot < 0.015, false) AS cancelled,
       CASE WHEN lot >= 0.015 AND lot < 0.045 AND paid_lines > 1 THEN dearest.paid // dearest.quantity END AS refund
FROM basket b CROSS JOIN calendar
LEFT JOIN drawn d ON d.purpose = 'return' AND d.number = basket_id
    AND placed_at >= live_from AND placed_at <= last_at - INTERVAL 30 MINUTE
WINDOW household AS (PARTITION BY household_id ORDER BY placed_at, basket_id);

-- Cancelled orders count for nothing. Spend is what was paid for goods less what went back.
CREATE VIEW counted AS
SELECT *, paid - coalesce(refund, 0) AS spend FROM told, given WHERE NOT cancelled AND placed_at <= as_of;
CREATE TABLE customer AS
SELECT household_id, count(*) AS orders, CAST(sum(items) AS BIGINT) AS items, CAST(sum(spend) AS BIGINT) AS spend,
       count(*) FILTER (WHERE discounted) AS discounted_orders, count(refund) AS refunds,
       CAST(coalesce(sum(refund), 0) AS BIGINT) AS refunded, max(placed_at) AS last_at
FROM counted GROUP BY household_id;

-- Whose first order lies in [as_of - 180 d, as_of - 90 d), and of these who placed another one later, within 90 days
-- (of 24 hours) after it. No order is refunded in full, so that all orders that count qualify.
CREATE VIEW cohort AS
WITH first AS (SELECT household_id, min(placed_at) AS first_at FROM counted GROUP BY household_id)
SELECT first_at, EXISTS (
    SELECT 1 FROM counted c WHERE c.household_id = f.household_id
        AND c.placed_at > first_at AND c.placed_at <= first_at + INTERVAL (90 * 24) HOUR) AS again
FROM first f, given
WHERE first_at >= as_of - INTERVAL (180 * 24) HOUR AND first_at < as_of - INTERVAL (90 * 24) HOUR;
-- Wilson's score interval at 95 %; bands of the mode are [0, 15), [15, 30), [30, 100] per cent.
CREATE VIEW repurchase AS
WITH found AS (SELECT count(*) AS n, count(*) FILTER (WHERE again) AS x FROM cohort),
     sized AS (SELECT *, CAST(x AS DOUBLE) / n AS p, pow(1.959963984540054, 2) AS z2 FROM found),
     bounds AS (SELECT *, (2 * x + z2) / (2 * (n + z2)) AS centre,
                       sqrt(z2 * (4 * n * p * (1 - p) + z2)) / (2 * (n + z2)) AS half FROM sized)
SELECT n, x, CASE WHEN n = 0 THEN 0.0 ELSE p END AS p, CASE WHEN x = 0 THEN 0.0 ELSE centre - half END AS low,
       CASE WHEN x = n THEN 1.0 ELSE centre + half END AS high,
       CASE WHEN n = 0 THEN 'nobody to tell it by' WHEN 100 * x < 15 * n THEN 'acquisition'
            WHEN 100 * x < 30 * n THEN 'hybrid' ELSE 'loyalty' END AS mode
FROM bounds;

-- RFM. The k-th boundary of a value is the smallest one that at least k fifths of the customers do not exceed; a score
-- is 1 + the number of boundaries below the value. The value score is the mean of frequency and money, rounded up.
CREATE MACRO boundaries(name) AS TABLE
    WITH one AS (SELECT CASE name WHEN 'recency' THEN epoch_us(last_at) WHEN 'frequency' THEN orders ELSE spend END AS v
                 FROM customer),
         shared AS (SELECT v, count(*) OVER (ORDER BY v) AS up_to, count(*) OVER () AS n FROM one)
    SELECT k, min(v) AS boundary FROM shared, range(1, 5) fifths(k) WHERE 5 * up_to >= k * n GROUP BY k;
CREATE VIEW scored AS
SELECT *, (f + m + 1) // 2 AS value FROM (
    SELECT *, 1 + (SELECT count(*) FROM boundaries('recency') WHERE boundary < epoch_us(last_at)) AS r,
           1 + (SELECT count(*) FROM boundaries('frequency') WHERE boundary < orders) AS f,
           1 + (SELECT count(*) FROM boundaries('money') WHERE boundary < spend) AS m
    FROM customer);
CREATE TABLE rfm_group AS
SELECT * FROM (VALUES (1, 'champions', 4, 5, 4, 5), (2, 'loyal', 3, 3, 4, 5), (3, 'potential loyalists', 4, 5, 2, 3),
    (4, 'new customers', 4, 5, 1, 1), (5, 'need attention', 3, 3, 3, 3), (6, 'about to sleep', 3, 3, 1, 2),
    (7, 'cannot lose', 1, 2, 5, 5), (8, 'at risk', 1, 2, 3, 4), (9, 'hibernating', 2, 2, 1, 2), (10, 'lost', 1, 1, 1, 2)
) AS g(place, name, r_low, r_high, value_low, value_high);
CREATE VIEW rfm AS
SELECT place, name, count(household_id) AS customers, CAST(coalesce(sum(orders), 0) AS BIGINT) AS orders,
       CAST(coalesce(sum(spend), 0) AS BIGINT) AS spend
FROM rfm_group LEFT JOIN scored ON r BETWEEN r_low AND r_high AND value BETWEEN value_low AND value_high
GROUP BY place, name;

-- One point for each whole dollar paid for an order's goods, at the instant of the order, since all are paid at once
-- and the programme counts from before the first. A refund leaves the order worth the whole dollars of what is left, a
-- cancellation nothing; the difference is taken back from the order's own points. They are pending until 14 days after
-- the order, then usable, and never expire.
CREATE TABLE earning AS
SELECT household_id, basket_id, live, placed_at, paid // 100 AS issued,
       CASE WHEN cancelled THEN 0 ELSE (paid - coalesce(refund, 0)) // 100 END AS kept,
       placed_at + INTERVAL (14 * 24) HOUR > as_of AS pending
FROM told, given;

-- A tier needs so much spend on orders placed within the 365 days up to as_of, both ends as in (from, until].
CREATE TABLE tier AS SELECT * FROM (VALUES (0, 'none', 0), (1, 'Silver', 50000), (2, 'Gold', 200000),
    (3, 'Diamond', 500000)) AS t(place, name, threshold);
CREATE VIEW member AS
SELECT household_id, coalesce(sum(spend) FILTER (WHERE placed_at > as_of - INTERVAL (365 * 24) HOUR), 0) AS year_spend
FROM (SELECT DISTINCT household_id FROM told) LEFT JOIN counted USING (household_id) GROUP BY household_id;
CREATE VIEW tiers AS
SELECT place, name, count(household_id) AS members
FROM tier t LEFT JOIN member m ON t.place = (SELECT max(place) FROM tier u WHERE m.year_spend >= u.threshold)
GROUP BY place, name;

-- The one segment: something discounted, more than two items, at least two orders.
CREATE VIEW discount_regulars AS
SELECT count(*) AS members FROM customer WHERE discounted_orders >= 1 AND items > 2 AND orders >= 2;

-- A message for each live order that earned a point, even if the order was called off later. Households whose lot is
-- below 0.8 have consented with their first order. All live orders are told within minutes, so that the cap of three
-- messages in seven days lets three pass in all.
CREATE VIEW messages AS
WITH wanted AS (
    SELECT household_id, count(*) AS n, any_value(d.lot) < 0.8 AS consents
    FROM earning e JOIN drawn d ON d.purpose = 'consent' AND d.number = household_id
    WHERE live AND issued > 0 GROUP BY household_id)
SELECT outcome, reason, CAST(sum(n) AS BIGINT) AS messages FROM (
    SELECT 'handed_off' AS outcome, 'accepted' AS reason, least(n, 3) AS n FROM wanted WHERE consents
    UNION ALL SELECT 'suppressed', 'cap', n - 3 FROM wanted WHERE consents AND n > 3
    UNION ALL SELECT 'suppressed', 'consent', n FROM wanted WHERE NOT consents)
GROUP BY outcome, reason;
