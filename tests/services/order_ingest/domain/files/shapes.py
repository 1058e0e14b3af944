"""The shapes of platforms' exports: their headers, a typical row of each, and files made of such rows."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

SHOPIFY_HEADERS = (
    *("Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at"),
    *("Accepts Marketing", "Currency", "Subtotal", "Shipping", "Taxes", "Total", "Discount Code"),
    *("Discount Amount", "Shipping Method", "Created at", "Lineitem quantity", "Lineitem name"),
    *("Lineitem price", "Lineitem compare at price", "Lineitem sku", "Lineitem requires shipping"),
    *("Lineitem taxable", "Lineitem fulfillment status", "Billing Name", "Billing Street", "Billing Address1"),
    *("Billing Address2", "Billing Company", "Billing City", "Billing Zip", "Billing Province"),
    *("Billing Country", "Billing Phone", "Shipping Name", "Shipping Street", "Shipping Address1"),
    *("Shipping Address2", "Shipping Company", "Shipping City", "Shipping Zip", "Shipping Province"),
    *("Shipping Country", "Shipping Phone", "Notes", "Note Attributes", "Cancelled at", "Payment Method"),
    *("Payment Reference", "Refunded Amount", "Vendor", "Outstanding Balance", "Employee", "Location"),
    *("Device ID", "Id", "Tags", "Risk Level", "Source", "Lineitem discount", "Tax 1 Name", "Tax 1 Value"),
    *("Tax 2 Name", "Tax 2 Value", "Tax 3 Name", "Tax 3 Value", "Tax 4 Name", "Tax 4 Value", "Tax 5 Name"),
    *("Tax 5 Value", "Phone", "Receipt Number", "Duties", "Billing Province Name", "Shipping Province Name"),
    *("Payment ID", "Payment Terms Name", "Next Payment Due At", "Payment References"),
)

AMAZON_HEADERS = (
    *("amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status"),
    *("fulfillment-channel", "sales-channel", "order-channel", "url", "ship-service-level", "product-name"),
    *("sku", "asin", "item-status", "quantity", "currency", "item-price", "item-tax", "shipping-price"),
    *("shipping-tax", "gift-wrap-price", "gift-wrap-tax", "item-promotion-discount", "ship-promotion-discount"),
    *("ship-city", "ship-state", "ship-postal-code", "ship-country", "promotion-ids ", "is-business-order"),
    *("purchase-order-number", "price-designation"),
)

AMAZON_SHIPPING_HEADERS = (
    *("order-id", "order-item-id", "purchase-date", "payments-date", "buyer-email", "buyer-name"),
    *("buyer-phone-number", "sku", "product-name", "quantity-purchased", "currency", "item-price", "item-tax"),
    *("shipping-price", "shipping-tax", "ship-service-level", "recipient-name", "ship-address-1"),
    *("ship-address-2", "ship-address-3", "ship-city", "ship-state", "ship-postal-code", "ship-country"),
    *("ship-phone-number", "delivery-start-date", "delivery-end-date", "delivery-time-zone"),
    *("delivery-Instructions", "sales-channel"),
)

TAOBAO_HEADERS = (
    *("订单编号", "买家会员名", "买家支付宝账号", "买家应付货款", "买家应付邮费", "买家支付积分", "总金额"),
    *("返点积分", "买家实际支付金额", "买家实际支付积分", "订单状态", "买家留言", "收货人姓名", "收货地址 "),
    *("运送方式", "联系电话 ", "联系手机", "订单创建时间", "订单付款时间 ", "宝贝标题 ", "宝贝种类 "),
    *("物流单号 ", "物流公司", "订单备注", "宝贝总数量", "店铺Id", "店铺名称", "订单关闭原因", "卖家服务费"),
    *("买家服务费", "发票抬头", "是否手机订单", "分阶段订单信息", "定金排名", "修改后的sku"),
    *("修改后的收货地址", "异常信息", "天猫卡券抵扣", "集分宝抵扣", "是否是O2O交易", "退款金额"),
    *("确认收货时间", "打款商家金额"),
)

TMALL_HEADERS = ("订单编号", "总金额", "买家实际支付金额", "收货地址 ", "订单创建时间", "订单付款时间 ", "退款金额")


def written(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    *,
    delimiter: str = ",",
    end: str = "\n",
    quoted: bool = True,
) -> str:
    """The file's text; a cell that a row does not name is empty."""
    table = [columns, *([row.get(column.strip(), "") for column in columns] for row in rows)]
    if not quoted:
        return "".join(delimiter.join(cells) + end for cells in table)
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator=end).writerows(table)
    return file.getvalue()


def shopify_head(**cells: str) -> dict[str, str]:
    """The first row of an order of two mugs for 19.99 each, five off, shipping 5.00, tax 2.80 on top: 42.78."""
    row = {
        "Name": "#1001",
        "Email": "ann@example.com",
        "Financial Status": "paid",
        "Paid at": "2021-05-13 11:01:14 +0200",
        "Fulfillment Status": "fulfilled",
        "Fulfilled at": "2021-05-14 09:00:00 +0200",
        "Accepts Marketing": "yes",
        "Currency": "USD",
        "Subtotal": "34.98",
        "Shipping": "5.00",
        "Taxes": "2.80",
        "Total": "42.78",
        "Discount Code": "SPRING",
        "Discount Amount": "5.00",
        "Shipping Method": "Standard",
        "Created at": "2021-05-13 11:01:13 +0200",
        "Lineitem quantity": "2",
        "Lineitem name": "Mug - Blue",
        "Lineitem price": "19.99",
        "Lineitem sku": "MUG-1",
        "Lineitem requires shipping": "true",
        "Lineitem taxable": "true",
        "Lineitem fulfillment status": "fulfilled",
        "Billing Name": "Ann Smith",
        "Billing Zip": "'01939",
        "Billing Country": "US",
        "Billing Phone": "'+12125550199",
        "Refunded Amount": "0.00",
        "Vendor": "Acme",
        "Id": "3791234567890",
        "Source": "web",
        "Lineitem discount": "0.00",
        "Tax 1 Name": "State tax 8%",
        "Tax 1 Value": "2.80",
        "Phone": "'+12125550123",
    }
    return row | {name.replace("_", " "): value for name, value in cells.items()}


def shopify_line(**cells: str) -> dict[str, str]:
    """A continuation row: the order's name and e-mail again, and one more line."""
    row = {
        "Name": "#1001",
        "Email": "ann@example.com",
        "Created at": "2021-05-13 11:01:13 +0200",
        "Lineitem quantity": "1",
        "Lineitem name": "Plate",
        "Lineitem price": "10.00",
        "Lineitem discount": "0.00",
        "Vendor": "Acme",
    }
    return row | {name.replace("_", " "): value for name, value in cells.items()}


def shopify(*rows: Mapping[str, str], **style: Any) -> str:
    return written(SHOPIFY_HEADERS, rows, **style)


def amazon_row(**cells: str) -> dict[str, str]:
    """One item of an order in the all-orders report."""
    row = {
        "amazon-order-id": "114-3718414-0463502",
        "purchase-date": "2025-03-14T18:53:56+00:00",
        "last-updated-date": "2025-03-17T08:12:00+00:00",
        "order-status": "Shipped",
        "fulfillment-channel": "Amazon",
        "sales-channel": "Amazon.com",
        "product-name": 'Display 24" black',
        "sku": "DISP-24",
        "asin": "B000WON1Z0",
        "item-status": "Shipped",
        "quantity": "2",
        "currency": "USD",
        "item-price": "39.98",
        "item-tax": "3.20",
        "shipping-price": "5.99",
        "shipping-tax": "0.48",
        "ship-country": "US",
    }
    return row | {name.replace("_", "-"): value for name, value in cells.items()}


def amazon(*rows: Mapping[str, str], columns: Sequence[str] = AMAZON_HEADERS, **style: Any) -> str:
    return written(columns, rows, delimiter="\t", quoted=False, **style)


def amazon_parcel(**cells: str) -> dict[str, str]:
    """One item of an order in the shipping report."""
    row = {
        "order-id": "250-3563777-5518068",
        "order-item-id": "10583563777345",
        "purchase-date": "2025-01-01T10:50:49-08:00",
        "payments-date": "2025-01-01T11:20:00-08:00",
        "buyer-email": "a222d34b3891234b@marketplace.amazon.com",
        "buyer-name": "Joe Smith",
        "sku": "SNOW-1",
        "product-name": "Snowboard",
        "quantity-purchased": "1",
        "currency": "USD",
        "item-price": "349.99",
        "item-tax": "28.00",
        "shipping-price": "19.99",
        "shipping-tax": "1.60",
        "recipient-name": "Joe Smith",
        "ship-country": "US",
        "ship-phone-number": "555-123-4567",
        "sales-channel": "Amazon.com",
    }
    return row | {name.replace("_", "-"): value for name, value in cells.items()}


def taobao_row(**cells: str) -> dict[str, str]:
    """One order of the seller's export: goods for 598, postage of 10."""
    row = {
        "订单编号": '="1930679858170647123"',
        "买家会员名": "幸福蔓岩1627",
        "买家应付货款": "598.00",
        "买家应付邮费": "10.00",
        "买家支付积分": "0",
        "总金额": "608.00",
        "买家实际支付金额": "608.00",
        "订单状态": "卖家已发货，等待买家确认",
        "收货人姓名": "马慧",
        "收货地址": "吉林省 通化市",
        "联系手机": "'18600000000",
        "订单创建时间": "2020-02-20 23:59:54",
        "订单付款时间": "2020-02-21 00:00:02",
        "宝贝标题": "洗面奶，化妆水套装",
        "宝贝种类": "2",
        "宝贝总数量": "3",
        "店铺名称": "快乐购",
        "打款商家金额": "0.00元",
    }
    return row | cells


def tmall_row(**cells: str) -> dict[str, str]:
    row = {
        "订单编号": "1",
        "总金额": "178.8",
        "买家实际支付金额": "178.8",
        "收货地址": "上海",
        "订单创建时间": "2020-02-21 00:00:00",
        "订单付款时间": "2020-02-21 00:00:12",
        "退款金额": "0.0",
    }
    return row | cells
