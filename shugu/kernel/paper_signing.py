"""Signs a printed document: PAdES B-T or B-LT, put into the file by pyHanko, with a time stamp (RFC 3161) of the venue's own
authority or of the one that home.toml names. No network for the former; one request for the latter.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import httpx
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from shugu.formats.canonical import sha256
from shugu.formats.cms import DATA, TST_INFO, Party, attributes, container, der, low_s, party, stamp_info
from shugu.formats.errors import ShuguError
from shugu.formats.pdf_signature import respell
from shugu.kernel import runtime
from shugu.kernel.paper_keys import Held, Key, PaperKeys

FIELD: Final = "Venue"
# Room for a container beside its certificates: attributes, two signatures, the stamp's own text.
ROOM: Final = 2048
OUTSIDE_ROOM: Final = 8192
TSA_TIMEOUT: Final = 10.0


class TimeStampUnavailable(ShuguError):
    code = "time-stamp-unavailable"
    status = 503
    sentence = ("时间戳机构没有给出时间戳：{why}。", "The time-stamping authority gave no time stamp: {why}.")
    remedy = ("请稍后重试；持续出现请检查 home.toml 的 tsa_url。", "Try again later; if it stays so, check tsa_url in home.toml.")


@lru_cache(maxsize=16)
def _party(leaf: x509.Certificate) -> Party:
    return party(leaf)


def _sign(key: Key, data: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return low_s(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def stamp(value: bytes, authority: Held, now: datetime, serial: int | None = None) -> bytes:
    """A time-stamp token over a signature's value, by the venue's own authority; the time is the venue's clock.
    Serial numbers are random: RFC 3161 section 2.4.2 asks that none comes twice."""
    named = _party(authority.leaf)
    chosen = int.from_bytes(os.urandom(16), "big") if serial is None else serial
    told = stamp_info(sha256(value), chosen, now, named)
    signed = attributes(TST_INFO, sha256(told), named)
    return container(TST_INFO, named, signed, _sign(authority.key, signed), [der(authority.leaf)], content=told)


def outside_stamp(value: bytes, url: str) -> bytes:
    """The same of the authority at `url`; its token is written again in the one spelling that verifiers demand.
    Errors: TimeStampUnavailable."""
    nonce = int.from_bytes(os.urandom(8), "big")
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": sha256(value)}
    asked = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "nonce": nonce, "cert_req": True})
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    try:
        answer = httpx.post(url, content=asked.dump(), headers=headers, timeout=TSA_TIMEOUT)
        answer.raise_for_status()
        told = tsp.TimeStampResp.load(answer.content, strict=True)
        status = told["status"]["status"].native
        if status not in ("granted", "granted_with_mods"):
            raise TimeStampUnavailable(why=status)
        token = told["time_stamp_token"]
        info = tsp.TSTInfo.load(bytes(token["content"]["encap_content_info"]["content"]))
        if info["nonce"].native != nonce:
            raise TimeStampUnavailable(why=("不是对本次请求的回答", "it answers another request"))
        return respell(token.dump())
    except (httpx.HTTPError, ValueError, TypeError, KeyError) as error:
        raise TimeStampUnavailable(why=str(error)) from error


def container_of(digest: bytes, held: PaperKeys, now: datetime) -> bytes:
    """The signature's container (CMS) over the digest of all that is signed. Errors: TimeStampUnavailable."""
    signer = _party(held.signer.leaf)
    signed = attributes(DATA, digest, signer)
    value = _sign(held.signer.key, signed)
    token = stamp(value, held.tsa, now) if held.tsa is not None else outside_stamp(value, runtime.home().config.tsa_url)
    return container(DATA, signer, signed, value, [der(each) for each in held.certificates()], token=token)


class _Writer(IncrementalPdfFileWriter):
    """pyHanko's writer of an addition, which leaves the metadata as typeset: its dates are the document's, and the
    library would write the machine's clock."""

    def _update_meta(self) -> None:
        return


def _order_of_tabs(writer: _Writer) -> None:
    """PDF/UA-1, 7.18.3: a page with an annotation, as the invisible field of the signature is, goes by its structure."""
    page, _ = writer.find_page_for_modification(0)  # type: ignore[no-untyped-call]
    page.get_object()[pdf_name("/Tabs")] = pdf_name("/S")
    writer.mark_update(page)


def _security_store(writer: _Writer, certificates: Sequence[x509.Certificate], crl: bytes) -> None:
    """The document security store (ETSI EN 319 142-1, 5.4.2): what a reader of PDF files needs to know, long after, that no
    certificate was revoked when the paper was signed. Within what is signed, since nothing may follow the signature."""

    def held(data: bytes) -> IndirectObject:
        return writer.add_object(StreamObject(stream_data=data))

    store = DictionaryObject(  # type: ignore[no-untyped-call]
        {
            pdf_name("/Type"): pdf_name("/DSS"), pdf_name("/CRLs"): ArrayObject([held(crl)]),
            pdf_name("/Certs"): ArrayObject([held(der(each)) for each in certificates]),
        }
    )  # fmt: skip
    writer.root[pdf_name("/DSS")] = writer.add_object(store)
    writer.update_root()  # type: ignore[no-untyped-call]


def sign_pdf(pdf: bytes, held: PaperKeys, now: datetime, *, reason: str, crl: bytes = b"") -> bytes:
    """The PDF with one invisible signature over all of it: PAdES B-T, and B-LT with the `crl` (DER) of the venue's own
    authority. `reason` is shown by PDF readers. Errors: TimeStampUnavailable."""
    size = sum(len(der(each)) for each in (*held.certificates(), *held.tsa_chain))
    room = size + (ROOM if held.tsa is not None else OUTSIDE_ROOM)
    # The embedder is a dialogue: the field, the signature dictionary, the digest to be signed, the container.
    # ISO 19005-3, 6.1.9: an object begins on a line of its own, and the typesetter ends its file without one.
    whole = pdf if pdf.endswith(b"\n") else pdf + b"\n"
    writer = _Writer(io.BytesIO(whole), strict=True)
    _order_of_tabs(writer)
    if crl:
        _security_store(writer, (*held.certificates(), *held.tsa_chain), crl)
    steps = PdfCMSEmbedder(SigFieldSpec(FIELD)).write_cms(FIELD, writer)
    next(steps)
    signature = SignatureObject(
        timestamp=now.replace(microsecond=0), subfilter=SigSeedSubFilter.PADES, reason=reason,
        name=runtime.rules().profile.title[0], bytes_reserved=2 * room,
    )  # fmt: skip
    steps.send(SigObjSetup(sig_placeholder=signature))
    prepared, output = steps.send(SigIOSetup(md_algorithm="sha256"))
    steps.send(container_of(prepared.document_digest, held, now))
    signed: bytes = output.getvalue()
    return signed
