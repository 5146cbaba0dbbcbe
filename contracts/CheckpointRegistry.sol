// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Checkpoints of transparency logs, anchored where nobody can take them back.
/// @notice Venues are registered under the keccak256 of their log's origin. Anybody may carry a venue's signed checkpoint
/// here; it is kept only if the tree it names extends the one that was kept before (RFC 6962 section 2.1.2), so what
/// this contract holds of a venue is one growing log. Every root ever kept stays, and a fact is provable under any of them.
/// @dev Trees are RFC 6962 over SHA-256 (the precompile at address 2). Nothing here can be upgraded, paused, or undone; the
/// administrator appoints and replaces signers and can touch no root. The interface is described in contracts/README.md.
contract CheckpointRegistry {
    /// @notice What is known of a venue. `size` is its largest anchored tree, 0 before the first; one storage slot.
    struct Venue {
        address signer;
        uint64 size;
        bool frozen;
    }

    /// @notice A tree head with the venue's signature under it (65 bytes r, s, v).
    struct Signed {
        uint64 size;
        bytes32 root;
        bytes signature;
    }

    /// @notice A leaf hash and its path from the leaf's sibling up.
    struct Path {
        bytes32 leaf;
        bytes32[] proof;
    }

    enum Key {
        Unknown,
        Current,
        Retired,
        Compromised
    }

    bytes32 private constant CHECKPOINT = keccak256("Checkpoint(string origin,uint64 size,bytes32 root)");
    bytes32 private constant APPOINTMENT = keccak256("Appointment(string origin,address signer)");
    bytes32 private constant NAME = keccak256("Shugu Checkpoint");
    bytes32 private constant VERSION = keccak256("1");
    /// @dev Half the order of secp256k1: a signature has one spelling, the one with the smaller s.
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice Who may register venues and replace their signers: a consortium's multi-signature account or one authority.
    /// Fixed at deployment; who stands behind it changes inside that account.
    address public immutable admin;

    /// @dev A checkpoint is a statement about a log, true or false wherever it is read: its domain names no chain, so that it
    /// can be carried to another chain and two contradicting ones from anywhere prove a fork here.
    bytes32 private immutable statements;

    /// @notice By keccak256 of the origin.
    mapping(bytes32 => Venue) public venues;
    /// @notice root of every anchored tree, by origin hash and size; zero for what was never anchored.
    mapping(bytes32 => mapping(uint64 => bytes32)) public rootOf;
    /// @notice What an address is, or was, to a venue.
    mapping(bytes32 => mapping(address => Key)) public keyOf;

    event Registered(bytes32 indexed origin, string name, address signer);
    event SignerReplaced(bytes32 indexed origin, address indexed from, address indexed to, bool compromised);
    /// @notice Carries all that is needed to anchor the same growth elsewhere.
    event Anchored(
        bytes32 indexed origin, uint64 indexed size, bytes32 root, uint64 previous, bytes32[] proof, bytes signature
    );
    /// @notice Two statements of one venue that cannot both be true; `first` and `second` are what it signed.
    event Forked(bytes32 indexed origin, Signed first, Signed second);

    error OnlyAdmin();
    error AlreadyRegistered();
    error UnknownVenue();
    error VenueFrozen();
    error KeyUsedBefore();
    error WrongSigner(address recovered);
    error BadSignature();
    error NotGrowing(uint64 anchored, uint64 offered);
    error OtherRoot(uint64 size, bytes32 anchored);
    error Inconsistent();
    error NoContradiction();

    constructor(address administrator) {
        admin = administrator;
        statements = keccak256(abi.encode(keccak256("EIP712Domain(string name,string version)"), NAME, VERSION));
    }

    modifier byAdmin() {
        if (msg.sender != admin) revert OnlyAdmin();
        _;
    }

    // ---- appointing -------------------------------------------------------------------------------------------------

    /// @notice Register a venue for ever. `consent` is the signer's own signature over the appointment for this contract on
    /// this chain: a key serves only where its holder agreed to, and the consent is worth nothing elsewhere.
    function register(string calldata name, address signer, bytes calldata consent) external byAdmin {
        bytes32 origin = keccak256(bytes(name));
        if (venues[origin].signer != address(0)) revert AlreadyRegistered();
        _appoint(origin, signer, consent);
        emit Registered(origin, name, signer);
    }

    /// @notice Another key signs from now on. A compromised key's statements no longer prove a fork; a retired one's do.
    /// No root is touched: the new key can only go on from what is anchored. A key never comes back.
    function replaceSigner(bytes32 origin, address signer, bytes calldata consent, bool compromised) external byAdmin {
        address from = venues[origin].signer;
        if (from == address(0)) revert UnknownVenue();
        keyOf[origin][from] = compromised ? Key.Compromised : Key.Retired;
        _appoint(origin, signer, consent);
        emit SignerReplaced(origin, from, signer, compromised);
    }

    function _appoint(bytes32 origin, address signer, bytes calldata consent) private {
        if (keyOf[origin][signer] != Key.Unknown) revert KeyUsedBefore();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                NAME, VERSION, block.chainid, address(this)
            )
        );
        address recovered = _recover(domain, keccak256(abi.encode(APPOINTMENT, origin, signer)), consent);
        if (recovered != signer) revert WrongSigner(recovered);
        keyOf[origin][signer] = Key.Current;
        venues[origin].signer = signer;
    }

    // ---- anchoring --------------------------------------------------------------------------------------------------

    /// @notice Keep the root of a signed tree; anybody may call. `proof` is the RFC 6962 consistency proof from the venue's
    /// anchored size (empty for the first).
    /// @return kept false when exactly this checkpoint is anchored already: then nothing changes.
    function anchor(bytes32 origin, Signed calldata tree, bytes32[] calldata proof) external returns (bool kept) {
        Venue storage venue = venues[origin];
        address signer = venue.signer;
        if (signer == address(0)) revert UnknownVenue();
        bytes32 known = rootOf[origin][tree.size];
        if (known != 0) {
            if (known != tree.root) revert OtherRoot(tree.size, known);
            return false;
        }
        if (venue.frozen) revert VenueFrozen();
        uint64 previous = venue.size;
        if (tree.size <= previous || tree.root == 0) revert NotGrowing(previous, tree.size);
        address recovered = _statement(origin, tree);
        if (recovered != signer) revert WrongSigner(recovered);
        if (!_extends(previous, rootOf[origin][previous], tree.size, tree.root, proof)) revert Inconsistent();
        rootOf[origin][tree.size] = tree.root;
        venue.size = tree.size;
        emit Anchored(origin, tree.size, tree.root, previous, proof, tree.signature);
        return true;
    }

    /// @notice Whether the leaf hash is at `index` of the anchored tree of `size`: false too for a tree never anchored.
    function includes(bytes32 origin, uint64 size, uint64 index, bytes32 leaf, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        bytes32 root = rootOf[origin][size];
        return root != 0 && _leads(index, size, leaf, proof, root);
    }

    // ---- forks ------------------------------------------------------------------------------------------------------

    /// @notice Two roots a venue signed for one size: kept as a public event, and the venue is frozen for ever.
    function equivocation(bytes32 origin, Signed calldata first, Signed calldata second) external {
        if (first.size != second.size || first.root == second.root) revert NoContradiction();
        _fork(origin, first, second);
    }

    /// @notice Two signed trees of any sizes that hold different leaves at one index: they are no two states of one log.
    function contradiction(
        bytes32 origin, Signed calldata first, Signed calldata second, uint64 index, Path calldata one, Path calldata other
    ) external {
        if (
            one.leaf == other.leaf || !_leads(index, first.size, one.leaf, one.proof, first.root)
                || !_leads(index, second.size, other.leaf, other.proof, second.root)
        ) revert NoContradiction();
        _fork(origin, first, second);
    }

    /// @dev Both must be signed by keys that were this venue's and were not declared compromised.
    function _fork(bytes32 origin, Signed calldata first, Signed calldata second) private {
        Venue storage venue = venues[origin];
        if (venue.signer == address(0)) revert UnknownVenue();
        if (venue.frozen) revert VenueFrozen();
        _ofVenue(origin, first);
        _ofVenue(origin, second);
        venue.frozen = true;
        emit Forked(origin, first, second);
    }

    function _ofVenue(bytes32 origin, Signed calldata tree) private view {
        address recovered = _statement(origin, tree);
        Key key = keyOf[origin][recovered];
        if (key != Key.Current && key != Key.Retired) revert WrongSigner(recovered);
    }

    // ---- signatures -------------------------------------------------------------------------------------------------

    function _statement(bytes32 origin, Signed calldata tree) private view returns (address) {
        return _recover(statements, keccak256(abi.encode(CHECKPOINT, origin, tree.size, tree.root)), tree.signature);
    }

    function _recover(bytes32 domain, bytes32 hash, bytes calldata signature) private pure returns (address signer) {
        if (signature.length != 65) revert BadSignature();
        bytes32 s = bytes32(signature[32:64]);
        uint8 v = uint8(signature[64]);
        if (uint256(s) > HALF_ORDER || (v != 27 && v != 28)) revert BadSignature();
        signer = ecrecover(keccak256(abi.encodePacked(hex"1901", domain, hash)), v, bytes32(signature[0:32]), s);
        if (signer == address(0)) revert BadSignature();
    }

    // ---- RFC 6962 ---------------------------------------------------------------------------------------------------

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(abi.encodePacked(hex"01", left, right));
    }

    /// @dev Section 2.1.1: the path's length follows from index and size, so no inner node passes for a leaf.
    function _leads(uint64 index, uint64 size, bytes32 leaf, bytes32[] calldata proof, bytes32 root)
        private
        pure
        returns (bool)
    {
        if (index >= size) return false;
        uint64 last = size - 1;
        uint256 at = 0;
        while (last != 0) {
            bool right = index & 1 == 1;
            if (right || index < last) {
                if (at == proof.length) return false;
                leaf = right ? _node(proof[at], leaf) : _node(leaf, proof[at]);
                at++;
            }
            index >>= 1;
            last >>= 1;
        }
        return at == proof.length && leaf == root;
    }

    /// @dev Section 2.1.2: the tree of `size` begins with the tree of `old`; anything extends nothing.
    function _extends(uint64 old, bytes32 oldRoot, uint64 size, bytes32 root, bytes32[] calldata proof)
        private
        pure
        returns (bool)
    {
        if (old == 0) return proof.length == 0;
        uint64 index = old - 1;
        uint64 last = size - 1;
        while (index & 1 == 1) {
            index >>= 1;
            last >>= 1;
        }
        uint256 at = 0;
        if (index != 0) {
            if (proof.length == 0) return false;
            at = 1;
        }
        bytes32 seenOld = index != 0 ? proof[0] : oldRoot;
        bytes32 seenNew = seenOld;
        while (last != 0) {
            bool right = index & 1 == 1;
            if (right || index < last) {
                if (at == proof.length) return false;
                bytes32 part = proof[at++];
                if (right) seenOld = _node(part, seenOld);
                seenNew = right ? _node(part, seenNew) : _node(seenNew, part);
            }
            index >>= 1;
            last >>= 1;
        }
        return at == proof.length && seenOld == oldRoot && seenNew == root;
    }
}
