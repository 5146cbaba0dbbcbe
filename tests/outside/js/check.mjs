// Standard input: {keys, credentials, lists, sign}. Standard output: what Digital Bazaar's libraries say of them.
globalThis.self ??= globalThis; // one of them asks for the browser's name of the global object
const {readFileSync} = await import('node:fs');
const {DataIntegrityProof} = await import('@digitalbazaar/data-integrity');
const {createSignCryptosuite, createVerifyCryptosuite} = await import('@digitalbazaar/eddsa-jcs-2022-cryptosuite');
const {decodeList} = await import('@digitalbazaar/vc-bitstring-status-list');
const Ed25519Multikey = await import('@digitalbazaar/ed25519-multikey');

const input = JSON.parse(readFileSync(0, 'utf8'));
const known = new Map(input.keys.map(key => [key.id, key]));
const documentLoader = async url => ({documentUrl: url, document: known.get(url)});

/** "" when every eddsa-jcs-2022 proof holds and there is one, else why not. */
async function fault({proof: proofs, ...document}) {
  let seen = 0;
  for (const proof of proofs.filter(one => one.cryptosuite === 'eddsa-jcs-2022')) {
    const suite = new DataIntegrityProof({cryptosuite: createVerifyCryptosuite()});
    const told = await suite.verifyProof({
      proof: structuredClone(proof), proofSet: proofs, document: structuredClone(document), documentLoader,
    });
    if (!told.verified) return String(told.error ?? 'the signature does not verify');
    seen++;
  }
  return seen ? '' : 'there is no such proof';
}

async function bits({encoded, indexes}) {
  const list = await decodeList({encodedList: encoded});
  return {length: list.length, set: indexes.map(index => list.getStatus(index))};
}

const out = {faults: [], bits: []};
for (const credential of input.credentials) out.faults.push(await fault(credential));
for (const list of input.lists) out.bits.push(await bits(list));
if (input.sign) {
  const {document, seed, id} = input.sign;
  const key = await Ed25519Multikey.generate({id, controller: id.split('#')[0], seed: Uint8Array.from(seed)});
  const suite = new DataIntegrityProof({
    signer: key.signer(), date: '2026-11-22T02:05:04Z', cryptosuite: createSignCryptosuite(),
  });
  const purpose = {update: async proof => ({...proof, proofPurpose: 'assertionMethod'})};
  out.signed = await suite.createProof({document: structuredClone(document), purpose, proofSet: [], documentLoader});
}
console.log(JSON.stringify(out));
