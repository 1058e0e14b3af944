"""The statements that store a batch, each over all its rows at once, rows in key order."""

from sqlalchemy import text

REGISTER_MERCHANTS = text(
    """
    UPDATE merchant m SET name = w.name, time_zone = w.time_zone, registered_at = w.registered_at,
        currency = CASE WHEN m.currency = 'XXX' THEN w.currency ELSE m.currency END
    FROM unnest(CAST(:merchants AS int4[]), CAST(:names AS text[]), CAST(:time_zones AS text[]),
                CAST(:currencies AS text[]), CAST(:registered AS timestamptz[]))
        AS w(merchant_no, name, time_zone, currency, registered_at)
    WHERE m.merchant_no = w.merchant_no
    """
)
NEW_SEGMENTS = text(
    """
    WITH w AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:segments AS uuid[]), CAST(:names AS text[]),
                             CAST(:versions AS int4[]), CAST(:rules AS text[]), CAST(:effective AS timestamptz[]))
            AS w(merchant_no, segment_id, name, version, rule, effective_at)
    ), versions AS (
        INSERT INTO segment_version (merchant_no, segment_id, version, rule, effective_at)
        SELECT merchant_no, segment_id, version, CAST(rule AS jsonb), effective_at FROM w
    )
    INSERT INTO segment (merchant_no, segment_id, name, current_version)
    SELECT merchant_no, segment_id, name, version FROM w
    """
)
STORES = text(
    """
    INSERT INTO store AS s (merchant_no, store_id, version, platform, account, site, name, currency, time_zone)
    SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:stores AS uuid[]), CAST(:versions AS int8[]),
                         CAST(:platforms AS text[]), CAST(:accounts AS text[]), CAST(:sites AS text[]),
                         CAST(:names AS text[]), CAST(:currencies AS text[]), CAST(:time_zones AS text[]))
    ON CONFLICT (merchant_no, store_id) DO UPDATE SET
        version = excluded.version, platform = excluded.platform, account = excluded.account, site = excluded.site,
        name = excluded.name, currency = excluded.currency, time_zone = excluded.time_zone
    WHERE s.version < excluded.version
    """
)
ERASE_STORES = text(
    """
    UPDATE store s SET account = '', site = NULL, name = NULL
    FROM unnest(CAST(:merchants AS int4[]), CAST(:stores AS uuid[])) AS w(merchant_no, store_id)
    WHERE s.merchant_no = w.merchant_no AND s.store_id = w.store_id
    """
)
_ALIASES = """unnest(CAST(:merchants AS int4[]), CAST(:absorbed AS uuid[]), CAST(:survivors AS uuid[]))
        AS w(merchant_no, absorbed, survivor)"""
MOVE_ORDERS = text(
    f"""
    UPDATE customer_order o SET customer_id = w.survivor FROM {_ALIASES}
    WHERE o.merchant_no = w.merchant_no AND o.customer_id = w.absorbed
    """  # noqa: S608 - the fragment is a constant of this module
)
MOVE_TIMELINE = text(
    f"""
    WITH gone AS (
        DELETE FROM timeline t USING {_ALIASES} WHERE t.merchant_no = w.merchant_no AND t.customer_id = w.absorbed
        RETURNING t.*, w.survivor
    )
    INSERT INTO timeline (merchant_no, customer_id, at, entry_id, kind, order_id, details)
    SELECT merchant_no, survivor, at, entry_id, kind, order_id, details FROM gone
    ON CONFLICT (merchant_no, customer_id, at, entry_id) DO NOTHING
    """  # noqa: S608 - the fragment is a constant of this module
)
MOVE_MONTHS = text(
    f"""
    WITH gone AS (
        DELETE FROM customer_month m USING {_ALIASES}
        WHERE m.merchant_no = w.merchant_no AND m.customer_id = w.absorbed
        RETURNING m.*, w.survivor
    )
    INSERT INTO customer_month AS m (merchant_no, customer_id, month, orders, spend_minor)
    SELECT merchant_no, survivor, month, sum(orders), sum(spend_minor) FROM gone GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (merchant_no, customer_id, month) DO UPDATE
        SET orders = m.orders + excluded.orders, spend_minor = m.spend_minor + excluded.spend_minor
    RETURNING merchant_no, customer_id, month, orders
    """  # noqa: S608 - the fragment is a constant of this module
)
_ORDERS = """unnest(
        CAST(:merchants AS int4[]), CAST(:orders AS uuid[]), CAST(:owners AS uuid[]), CAST(:buyers AS uuid[]),
        CAST(:stores AS uuid[]), CAST(:versions AS int8[]), CAST(:edited AS bool[]), CAST(:placed AS timestamptz[]),
        CAST(:months AS int4[]), CAST(:currencies AS text[]), CAST(:goods AS int8[]), CAST(:items AS int8[]),
        CAST(:discounted AS bool[]), CAST(:gift_cards AS text[]), CAST(:fx_to AS text[]), CAST(:fx_rates AS numeric[]),
        CAST(:cancelled AS timestamptz[]), CAST(:deleted AS timestamptz[]), CAST(:refunded AS timestamptz[]),
        CAST(:spend AS int8[])
    ) AS w(merchant_no, order_id, customer_id, buyer_id, store_id, version, edited, placed_at, month, currency,
           goods_minor, items, discounted, gift_card_lines, fx_to, fx_rate, cancelled_at, deleted_at, refunded_at,
           spend_minor)"""
NEW_ORDERS = text(
    f"""
    INSERT INTO customer_order (
        merchant_no, order_id, customer_id, buyer_id, store_id, version, edited, placed_at, month, currency,
        goods_minor, items, discounted, gift_card_lines, fx_to, fx_rate, cancelled_at, deleted_at, refunded_at,
        spend_minor)
    SELECT * FROM {_ORDERS}
    ON CONFLICT (merchant_no, order_id) DO NOTHING
    """  # noqa: S608 - the fragment is a constant of this module
)
CHANGED_ORDERS = text(
    f"""
    UPDATE customer_order o SET
        customer_id = w.customer_id, buyer_id = w.buyer_id, store_id = w.store_id, version = w.version,
        edited = w.edited, placed_at = w.placed_at, month = w.month, currency = w.currency,
        goods_minor = w.goods_minor, items = w.items, discounted = w.discounted, gift_card_lines = w.gift_card_lines,
        fx_to = w.fx_to, fx_rate = w.fx_rate, cancelled_at = w.cancelled_at, deleted_at = w.deleted_at,
        refunded_at = w.refunded_at, spend_minor = w.spend_minor
    FROM {_ORDERS}
    WHERE o.merchant_no = w.merchant_no AND o.order_id = w.order_id
    """  # noqa: S608 - the fragment is a constant of this module
)
REFUNDS = text(
    """
    INSERT INTO order_refund (merchant_no, order_id, refund_id, version, at, currency, amount_minor, goods, completes,
                              goods_back_minor, money_back_minor)
    SELECT merchant_no, order_id, refund_id, version, at, currency, amount_minor, CAST(goods AS jsonb), completes,
           goods_back_minor, money_back_minor
    FROM unnest(CAST(:merchants AS int4[]), CAST(:orders AS uuid[]), CAST(:refunds AS uuid[]),
                CAST(:versions AS int8[]), CAST(:ats AS timestamptz[]), CAST(:currencies AS text[]),
                CAST(:amounts AS int8[]), CAST(:goods AS text[]), CAST(:completes AS bool[]),
                CAST(:goods_back AS int8[]), CAST(:money_back AS int8[]))
        AS w(merchant_no, order_id, refund_id, version, at, currency, amount_minor, goods, completes,
             goods_back_minor, money_back_minor)
    ON CONFLICT (merchant_no, order_id, refund_id) DO UPDATE SET
        version = excluded.version, at = excluded.at, currency = excluded.currency,
        amount_minor = excluded.amount_minor, goods = excluded.goods, completes = excluded.completes,
        goods_back_minor = excluded.goods_back_minor, money_back_minor = excluded.money_back_minor
    """
)
MONTHS = text(
    """
    INSERT INTO customer_month AS m (merchant_no, customer_id, month, orders, spend_minor)
    SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[]), CAST(:months AS int4[]),
                         CAST(:orders AS int4[]), CAST(:spend AS int8[]))
    ON CONFLICT (merchant_no, customer_id, month) DO UPDATE
        SET orders = m.orders + excluded.orders, spend_minor = m.spend_minor + excluded.spend_minor
    RETURNING merchant_no, customer_id, month, orders
    """
)
CUSTOMERS = text(
    """
    UPDATE customer c SET
        identity_version = w.identity_version, anonymous = w.anonymous, store_id = w.store_id,
        time_zone = w.time_zone, locale = w.locale, registered_at = w.registered_at, erased_at = w.erased_at,
        merged_into = w.merged_into, merged_version = w.merged_version, orders = w.orders, items = w.items,
        spend_minor = w.spend_minor, foreign_orders = w.foreign_orders, discounted_orders = w.discounted_orders,
        refunds = w.refunds, refunded_minor = w.refunded_minor, first_order_at = w.first_order_at,
        last_order_at = w.last_order_at, first_qualifying_at = w.first_qualifying_at,
        second_qualifying_at = w.second_qualifying_at, month_mask = w.month_mask
    FROM unnest(
        CAST(:merchants AS int4[]), CAST(:customers AS uuid[]), CAST(:identity_versions AS int8[]),
        CAST(:anonymous AS bool[]), CAST(:stores AS uuid[]), CAST(:time_zones AS text[]), CAST(:locales AS text[]),
        CAST(:registered AS timestamptz[]), CAST(:erased AS timestamptz[]), CAST(:merged_into AS uuid[]),
        CAST(:merged_versions AS int8[]), CAST(:orders AS int8[]), CAST(:items AS int8[]), CAST(:spend AS int8[]),
        CAST(:foreign AS int8[]), CAST(:discounted AS int8[]), CAST(:refunds AS int8[]), CAST(:refunded AS int8[]),
        CAST(:first AS timestamptz[]), CAST(:last AS timestamptz[]), CAST(:first_qualifying AS timestamptz[]),
        CAST(:second_qualifying AS timestamptz[]), CAST(:masks AS bytea[])
    ) AS w(merchant_no, customer_id, identity_version, anonymous, store_id, time_zone, locale, registered_at,
           erased_at, merged_into, merged_version, orders, items, spend_minor, foreign_orders, discounted_orders,
           refunds, refunded_minor, first_order_at, last_order_at, first_qualifying_at, second_qualifying_at,
           month_mask)
    WHERE c.merchant_no = w.merchant_no AND c.customer_id = w.customer_id
    """
)
RECOUNT = text(
    """
    UPDATE customer c SET first_order_at = e.first_at, last_order_at = e.last_at,
        first_qualifying_at = e.qualifying_at, second_qualifying_at = s.second_at
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) AS w(merchant_no, customer_id)
    CROSS JOIN LATERAL (
        SELECT min(placed_at) AS first_at, max(placed_at) AS last_at,
               min(placed_at) FILTER (WHERE refunded_at IS NULL) AS qualifying_at
        FROM customer_order o
        WHERE o.merchant_no = w.merchant_no AND o.customer_id = w.customer_id
          AND placed_at IS NOT NULL AND cancelled_at IS NULL AND deleted_at IS NULL
    ) e
    CROSS JOIN LATERAL (
        SELECT min(placed_at) AS second_at FROM customer_order o
        WHERE o.merchant_no = w.merchant_no AND o.customer_id = w.customer_id AND placed_at > e.qualifying_at
          AND cancelled_at IS NULL AND deleted_at IS NULL AND refunded_at IS NULL
    ) s
    WHERE c.merchant_no = w.merchant_no AND c.customer_id = w.customer_id
    """
)
FOLLOW_ORDERS = text(
    """
    WITH gone AS (
        DELETE FROM timeline t
        USING unnest(CAST(:merchants AS int4[]), CAST(:orders AS uuid[]), CAST(:from AS uuid[]), CAST(:to AS uuid[]))
            AS w(merchant_no, order_id, old_owner, new_owner)
        WHERE t.merchant_no = w.merchant_no AND t.customer_id = w.old_owner AND t.order_id = w.order_id
        RETURNING t.*, w.new_owner
    )
    INSERT INTO timeline (merchant_no, customer_id, at, entry_id, kind, order_id, details)
    SELECT merchant_no, new_owner, at, entry_id, kind, order_id, details FROM gone
    ON CONFLICT (merchant_no, customer_id, at, entry_id) DO NOTHING
    """
)
ENTRIES = text(
    """
    INSERT INTO timeline (merchant_no, customer_id, at, entry_id, kind, order_id, details)
    SELECT merchant_no, customer_id, at, entry_id, kind, order_id, CAST(details AS jsonb)
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[]), CAST(:ats AS timestamptz[]),
                CAST(:entries AS uuid[]), CAST(:kinds AS text[]), CAST(:orders AS uuid[]), CAST(:details AS text[]))
        AS w(merchant_no, customer_id, at, entry_id, kind, order_id, details)
    ON CONFLICT (merchant_no, customer_id, at, entry_id) DO NOTHING
    """
)
CLEAR_ENTRIES = text(
    """
    UPDATE timeline t SET details = left_over.details
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) AS w(merchant_no, customer_id)
    CROSS JOIN LATERAL (
        SELECT at, entry_id, details FROM timeline t
        WHERE t.merchant_no = w.merchant_no AND t.customer_id = w.customer_id OFFSET 0
    ) e
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(d.key, d.value), '{}') AS details FROM jsonb_each(e.details) d
        WHERE d.key = ANY (CAST(:kept AS text[]))
    ) left_over
    WHERE (t.merchant_no, t.customer_id, t.at, t.entry_id) = (w.merchant_no, w.customer_id, e.at, e.entry_id)
        AND e.details <> left_over.details
    """
)
END_STAYS = text(
    """
    UPDATE segment_stay s SET left_at = w.left_at, left_by = w.left_by
    FROM unnest(CAST(:merchants AS int4[]), CAST(:segments AS uuid[]), CAST(:customers AS uuid[]),
                CAST(:entered_by AS uuid[]), CAST(:lefts AS timestamptz[]), CAST(:left_by AS uuid[]))
        AS w(merchant_no, segment_id, customer_id, entered_by, left_at, left_by)
    WHERE s.merchant_no = w.merchant_no AND s.segment_id = w.segment_id AND s.customer_id = w.customer_id
      AND s.entered_by = w.entered_by
    """
)
NEW_STAYS = text(
    """
    INSERT INTO segment_stay (merchant_no, segment_id, customer_id, entered_by, version, entered_at, left_at, left_by)
    SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:segments AS uuid[]), CAST(:customers AS uuid[]),
                         CAST(:entered_by AS uuid[]), CAST(:versions AS int4[]), CAST(:entered AS timestamptz[]),
                         CAST(:lefts AS timestamptz[]), CAST(:left_by AS uuid[]))
    """
)
