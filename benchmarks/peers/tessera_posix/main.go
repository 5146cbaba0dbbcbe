// Tessera's POSIX driver beside our sequencer: the same number of entries of the same size, on the same disk.
//
// First all entries as fast as they are taken, timed until a signed checkpoint covers them; then, in a second log, a
// steady trickle, each entry timed from Add until a published checkpoint covers it. Prints one JSON object.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

type figures struct {
	Entries      int     `json:"entries"`
	Bytes        int     `json:"bytes"`
	PerSecond    float64 `json:"entries_per_second"`
	TrickleRate  int     `json:"trickle_per_second"`
	MedianMillis float64 `json:"integrated_median_ms"`
	P99Millis    float64 `json:"integrated_p99_ms"`
}

// A log at its shortest checkpoint interval, its bigger batches as its own load tests take them.
type log struct {
	appender *tessera.Appender
	await    *tessera.PublicationAwaiter
	close    func(context.Context) error
}

func open(ctx context.Context, dir string, batch uint) (*log, error) {
	secret, _, err := note.GenerateKey(rand.Reader, "peer.example/log")
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return nil, err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(batch, 100*time.Millisecond).
		WithPushback(1 << 20).
		WithCheckpointInterval(100 * time.Millisecond)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, err
	}
	await := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 20*time.Millisecond)
	return &log{appender, await, shutdown}, nil
}

// An entry of `size` bytes that no other call makes: 16 digits, then padding.
func entry(n, size int) *tessera.Entry {
	return tessera.NewEntry([]byte(fmt.Sprintf("%016d%0*d", n, size-16, 0)))
}

func flood(ctx context.Context, l *log, count, size int) (time.Duration, error) {
	began := time.Now()
	futures := make([]tessera.IndexFuture, count)
	for n := range futures {
		futures[n] = l.appender.Add(ctx, entry(n, size))
	}
	for _, future := range futures {
		if _, err := future(); err != nil {
			return 0, err
		}
	}
	if _, _, err := l.await.Await(ctx, futures[count-1]); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

func trickle(ctx context.Context, l *log, rate int, length time.Duration, size int) ([]float64, error) {
	var (
		mutex sync.Mutex
		group sync.WaitGroup
		took  []float64
		first error
	)
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for n, until := 0, time.Now().Add(length); time.Now().Before(until); n++ {
		<-tick.C
		group.Add(1)
		began, future := time.Now(), l.appender.Add(ctx, entry(n, size))
		go func() {
			defer group.Done()
			_, _, err := l.await.Await(ctx, future)
			mutex.Lock()
			defer mutex.Unlock()
			took = append(took, float64(time.Since(began).Microseconds())/1000)
			if err != nil && first == nil {
				first = err
			}
		}()
	}
	group.Wait()
	sort.Float64s(took)
	return took, first
}

func run() (*figures, error) {
	count := flag.Int("entries", 100_000, "entries appended at once")
	size := flag.Int("bytes", 83, "bytes of each entry")
	rate := flag.Int("rate", 400, "entries a second of the trickle")
	length := flag.Duration("length", 10*time.Second, "how long it trickles")
	dir := flag.String("dir", "", "an empty folder on the disk to measure")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx := context.Background()
	bulk, err := open(ctx, filepath.Join(*dir, "bulk"), 4096)
	if err != nil {
		return nil, err
	}
	took, err := flood(ctx, bulk, *count, *size)
	if err != nil {
		return nil, err
	}
	if err := bulk.close(ctx); err != nil {
		return nil, err
	}
	live, err := open(ctx, filepath.Join(*dir, "live"), 256)
	if err != nil {
		return nil, err
	}
	waits, err := trickle(ctx, live, *rate, *length, *size)
	if err != nil {
		return nil, err
	}
	if err := live.close(ctx); err != nil {
		return nil, err
	}
	at := func(share float64) float64 { return waits[int(share*float64(len(waits)-1))] }
	return &figures{*count, *size, float64(*count) / took.Seconds(), *rate, at(0.5), at(0.99)}, nil
}

func main() {
	found, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		os.Exit(1)
	}
}
