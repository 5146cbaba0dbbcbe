"""What the market refuses, beside the kernel's errors."""

from __future__ import annotations

from shugu.kernel.errors import Refused


class OfferGone(Refused):
    code = "offer-gone"
    sentence = ("报价 {offer} 已不是当前报价。", "Offer {offer} is no longer the one that stands.")
    remedy = ("刷新后按当前报价办理。", "Reload and act on the offer that stands now.")


class SameParty(Refused):
    code = "same-party"
    sentence = ("提供方与需求方不能是同一单位。", "Provider and buyer may not be the same organisation.")
    remedy = ("由另一单位购买。", "Another organisation must buy.")


class NotAccredited(Refused):
    code = "not-accredited"
    status = 403
    sentence = ("本单位没有有效的“{kind}”资格。", "The organisation is not accredited as “{kind}”.")
    remedy = ("先办理入驻。", "Apply for accreditation first.")


class NotOffered(Refused):
    code = "not-offered"
    sentence = ("产品 {product} 不在挂牌，不能磋商。", "Product {product} is not listed; there is nothing to negotiate.")
    remedy = ("在市场首页另选产品，或等待其重新挂牌。", "Choose another product, or wait until it is listed again.")


class DemandOver(Refused):
    code = "demand-over"
    sentence = ("需求 {demand} 已结束征集。", "Demand {demand} is no longer open.")
    remedy = ("查看其他征集中的需求。", "Look for another open demand.")


__all__ = ["DemandOver", "NotAccredited", "NotOffered", "OfferGone", "SameParty"]
