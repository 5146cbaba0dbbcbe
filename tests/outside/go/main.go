// Outside clients of the log formats, for tests only: public Go libraries read what Shugu writes, and write what Shugu
// reads. Usage: outside read DIR-or-URL LOGVKEY [WITNESSVKEY...] | write DIR COUNT NAME | witness ADDR LOGVKEY NAME
// | feed URL NOTE OLD WITNESSVKEY [PROOF...]
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	client "github.com/transparency-dev/witness/client/http"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func need(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type reader interface {
	torchwood.TileReader
	ReadEndpoint(context.Context, string) ([]byte, error)
}

// read opens the checkpoint with the log's key and every cosigner's, then fetches every entry, each checked against the
// tree by the library, proves inclusion of three of them, and consistency with the tree of half the size.
func read(where string, logKey string, witnesses []string) {
	ctx := context.Background()
	var tiles reader
	var err error
	if strings.HasPrefix(where, "http") {
		tiles, err = torchwood.NewTileFetcher(where)
	} else {
		tiles, err = torchwood.NewTileFS(os.DirFS(where))
	}
	need(err)
	signed, err := tiles.ReadEndpoint(ctx, "checkpoint")
	need(err)
	verifier, err := note.NewVerifier(logKey)
	need(err)
	policies := []torchwood.Policy{torchwood.OriginPolicy(verifier.Name()), torchwood.SingleVerifierPolicy(verifier)}
	for _, vkey := range witnesses {
		cosigner, err := torchwood.NewCosignatureVerifier(vkey)
		need(err)
		policies = append(policies, torchwood.SingleVerifierPolicy(cosigner))
	}
	point, _, err := torchwood.VerifyCheckpoint(signed, torchwood.ThresholdPolicy(len(policies), policies...))
	need(err)
	logClient, err := torchwood.NewClient(tiles)
	need(err)
	count := int64(0)
	for index, entry := range logClient.AllEntries(ctx, point.Tree, 0) {
		if index != count || len(entry) == 0 {
			need(fmt.Errorf("entry %d came as %d", count, index))
		}
		count++
	}
	need(logClient.Err())
	if count != point.N {
		need(fmt.Errorf("%d entries of %d", count, point.N))
	}
	for _, index := range []int64{0, point.N / 2, point.N - 1} {
		_, _, err := logClient.Entry(ctx, point.Tree, index)
		need(err)
	}
	hashes := torchwood.TileHashReaderWithContext(ctx, point.Tree, tiles)
	half := (point.N + 1) / 2
	before, err := tlog.TreeHash(half, hashes)
	need(err)
	proof, err := tlog.ProveTree(point.N, half, hashes)
	need(err)
	need(tlog.CheckTree(proof, point.N, point.Hash, half, before))
	fmt.Printf("%s %d\n", point.Origin, point.N)
}

// write makes a log with Tessera's POSIX driver and prints its verifier key.
func write(dir string, count int, name string) {
	ctx := context.Background()
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	need(err)
	signer, err := note.NewSigner(skey)
	need(err)
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	need(err)
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(64, 50*time.Millisecond).
		WithCheckpointInterval(100 * time.Millisecond)
	appender, shutdown, logReader, err := tessera.NewAppender(ctx, driver, options)
	need(err)
	awaiter := tessera.NewPublicationAwaiter(ctx, logReader.ReadCheckpoint, 50*time.Millisecond)
	var last tessera.IndexFuture
	for n := range count {
		last = appender.Add(ctx, tessera.NewEntry(fmt.Appendf(nil, "entry %d", n)))
	}
	_, _, err = awaiter.Await(ctx, last)
	need(err)
	need(shutdown(ctx))
	fmt.Println(vkey)
}

// serve runs the public witness implementation for one log, and prints its key once it listens.
func serve(address string, logKey string, name string) {
	verifier, err := note.NewVerifier(logKey)
	need(err)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	need(err)
	signer, err := torchwood.NewCosignatureSigner(name, private)
	need(err)
	w, err := witness.New(context.Background(), witness.Opts{
		Persistence: inmemory.New(),
		Signers:     []note.Signer{signer},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			return verifier, origin == verifier.Name(), nil
		},
	})
	need(err)
	http.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(w).AddCheckpoint)
	listener, err := net.Listen("tcp", address)
	need(err)
	fmt.Printf("%s http://%s\n", signer.Verifier(), listener.Addr())
	need(http.Serve(listener, nil))
}

// feed submits a checkpoint to a witness with the public client, and verifies the cosignature that comes back.
func feed(where string, file string, old uint64, vkey string, lines []string) {
	target, err := url.Parse(where)
	need(err)
	signed, err := os.ReadFile(file)
	need(err)
	var proof [][]byte
	for _, line := range lines {
		hash, err := base64.StdEncoding.DecodeString(line)
		need(err)
		proof = append(proof, hash)
	}
	answer, size, err := client.NewWitness(target, http.DefaultClient).Update(context.Background(), old, signed, proof)
	if errors.Is(err, witness.ErrCheckpointStale) {
		fmt.Printf("stale %d\n", size)
		return
	}
	if err != nil {
		fmt.Printf("refused %v\n", err)
		return
	}
	verifier, err := f_note.NewVerifierForCosignatureV1(vkey)
	need(err)
	opened, err := note.Open(append(signed, answer...), note.VerifierList(verifier))
	need(err)
	fmt.Printf("cosigned %d\n", len(opened.Sigs))
}

func main() {
	args := os.Args[1:]
	switch {
	case len(args) >= 3 && args[0] == "read":
		read(args[1], args[2], args[3:])
	case len(args) == 4 && args[0] == "write":
		count, err := strconv.Atoi(args[2])
		need(err)
		write(args[1], count, args[3])
	case len(args) == 4 && args[0] == "witness":
		serve(args[1], args[2], args[3])
	case len(args) >= 5 && args[0] == "feed":
		old, err := strconv.ParseUint(args[3], 10, 64)
		need(err)
		feed(args[1], args[2], old, args[4], args[5:])
	default:
		need(errors.New("usage: see the head of main.go"))
	}
}
