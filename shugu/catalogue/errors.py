"""Refusals of the catalogue beyond those of the procedure engine."""

from __future__ import annotations

from shugu.kernel.errors import Refused


class NotProvider(Refused):
    code = "not-provider"
    status = 403
    sentence = ("只有{what}的权利人可以办理。", "Only a holder of {what} may do this.")
    remedy = ("请由权利人办理。", "Ask the holder.")


class AlreadyListing(Refused):
    code = "already-listing"
    sentence = ("该产品已有挂牌办件 {number} 正在办理。", "Listing {number} of this product is still under way.")
    remedy = ("先完成或撤回该办件。", "Finish or withdraw that one first.")


class NothingNew(Refused):
    code = "nothing-new"
    sentence = ("该版本已经挂牌，没有可提交的新版本。", "This version is listed already; there is no newer one to submit.")
    remedy = ("修改产品后再提交。", "Revise the product first.")


__all__ = ["AlreadyListing", "NotProvider", "NothingNew"]
