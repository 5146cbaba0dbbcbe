// Compiles CheckpointRegistry.sol and prints the artefact that is committed as build/CheckpointRegistry.json:
//   node contracts/compile.mjs [folder that holds node_modules]
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const tools = resolve(process.argv[2] ?? join(here, "..", ".tools"));
const solc = createRequire(join(tools, "node_modules", "/"))("solc");
const file = "CheckpointRegistry.sol";
const source = readFileSync(join(here, file), "utf8");
const settings = {
  // The oldest EVM with everything we need: chains that lag behind Ethereum run it too.
  evmVersion: "istanbul",
  optimizer: { enabled: true, runs: 10000 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};
const input = { language: "Solidity", sources: { [file]: { content: source } }, settings };
const output = JSON.parse(solc.compile(JSON.stringify(input)));
if (output.errors?.length) {
  for (const error of output.errors) console.error(error.formattedMessage);
  process.exit(1);
}
const found = output.contracts[file].CheckpointRegistry;
const artefact = {
  contract: "CheckpointRegistry",
  compiler: solc.version(),
  evmVersion: settings.evmVersion,
  optimizer: settings.optimizer,
  sourceSha256: createHash("sha256").update(source).digest("hex"),
  abi: found.abi,
  bytecode: "0x" + found.evm.bytecode.object,
};
process.stdout.write(JSON.stringify(artefact, null, 1) + "\n");
