package io.ballast.inference.torch;

import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The prompts that are being computed, in the order in which they go on. Rows that begin with the
 * same tokens share a computation. A step computes chunks of the first of them, so that a long
 * prompt delays nobody by more than a chunk.
 */
final class PrefillQueue implements AutoCloseable {
  /** The least that prompts advance in a step, however many rows are under way. */
  private static final int LEAST_CHUNK = PrefixCache.BLOCK;

  private final DecoderConfig config;
  private final ScalarType type;
  private final LengthClasses classes;
  private final PrefixCache prefixes;
  private final ServingOptions options;
  private final int block;
  private final List<PrefillJob> jobs = new ArrayList<>();

  /**
   * Starts empty.
   *
   * @param prefixes what prompts begin with is looked up there, and kept there when one is complete
   * @param block tokens of a prompt that attend together, or 0: as many as there are
   */
  PrefillQueue(
      DecoderConfig config,
      ScalarType type,
      LengthClasses classes,
      PrefixCache prefixes,
      ServingOptions options,
      int block) {
    this.config = config;
    this.type = type;
    this.classes = classes;
    this.prefixes = prefixes;
    this.options = options;
    this.block = block;
  }

  /** What a step computes of a prompt. */
  record Chunk(PrefillJob job, int size) {
    boolean completes() {
      return size == job.left();
    }
  }

  boolean isEmpty() {
    return jobs.isEmpty();
  }

  /** The rows that wait for their prompts. */
  List<DecodeRow> rows() {
    List<DecodeRow> rows = new ArrayList<>();
    jobs.forEach(job -> rows.addAll(job.rows()));
    return rows;
  }

  /** Keys and values of the prompts. */
  long bytes() {
    long bytes = 0;
    for (PrefillJob job : jobs) {
      bytes += job.bytes(classes);
    }
    return bytes;
  }

  /** Takes rows on; those that begin with the same tokens share their computation. */
  void begin(List<DecodeRow> rows) {
    for (DecodeRow row : rows) {
      // what was drawn is either computed anew with the prompt or, where every bit counts, fed
      // again token by token, as it was at first
      TokenIds tokens = options.batchInvariant() ? row.prompt().tokens() : row.context();
      PrefillJob same = null;
      for (PrefillJob job : jobs) {
        if (job.epoch() == prefixes.epoch() && job.tokens().equals(tokens)) {
          same = job;
        }
      }
      if (same != null) {
        same.rows().add(row);
      } else {
        jobs.add(new PrefillJob(tokens, row, prefixes.epoch(), block));
      }
    }
    jobs.sort(Comparator.comparing(PrefillJob::lane));
  }

  /** Takes a row out, if it waits here. */
  void remove(DecodeRow row) {
    for (PrefillJob job : jobs) {
      job.rows().remove(row);
    }
    dropJobsWithoutRows();
  }

  /** Takes out the rows whose caller has left. */
  List<DecodeRow> takeCancelled() {
    List<DecodeRow> taken = new ArrayList<>();
    for (PrefillJob job : jobs) {
      for (DecodeRow row : List.copyOf(job.rows())) {
        if (row.cancelled()) {
          job.rows().remove(row);
          taken.add(row);
        }
      }
    }
    dropJobsWithoutRows();
    return taken;
  }

  private void dropJobsWithoutRows() {
    jobs.removeIf(
        job -> {
          if (job.rows().isEmpty()) {
            job.close();
          }
          return job.rows().isEmpty();
        });
  }

  /**
   * Divides what a step may compute beside {@code rows} among the prompts, and prepares their
   * memory.
   *
   * @param arenas give places in reserve back where prompts need the room
   */
  List<Chunk> chunks(int rows, KeyValueArenas arenas) {
    int left =
        Math.max(LEAST_CHUNK, rows == 0 ? options.maxPrefillTokens() : options.stepTokens() - rows);
    List<Chunk> chunks = new ArrayList<>();
    for (PrefillJob job : jobs) {
      if (left <= 0 || waitsForAnother(job, chunks)) {
        continue;
      }
      arenas.leave(bytes() + job.wholeBytes(classes));
      if (!job.started()) {
        job.start(prefixes, config, type);
      }
      int size = Math.min(job.left(), left);
      if (size < job.left()) {
        // chunks end where blocks do, so that a prompt is cut the same way in any company
        size -= (job.done() + size) % PrefixCache.BLOCK;
        if (size <= 0) {
          left = 0;
          continue;
        }
      }
      job.prepare(size, config, type);
      chunks.add(new Chunk(job, size));
      left -= size;
    }
    return chunks;
  }

  /** Whether a prompt ahead in this step computes half or more of what {@code job} needs. */
  private boolean waitsForAnother(PrefillJob job, List<Chunk> chunks) {
    if (job.started() || !prefixes.enabled()) {
      return false;
    }
    for (Chunk chunk : chunks) {
      int shared = chunk.job().sharedWith(job) / PrefixCache.BLOCK * PrefixCache.BLOCK;
      if (shared > chunk.job().done() && 2 * shared >= job.tokens().size()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Takes over what a step computed of a prompt; tells whether it is complete. A complete one stays
   * here, with the rows that wait for it, until {@link #complete} is told that none does.
   */
  boolean advance(Chunk chunk) {
    PrefillJob job = chunk.job();
    job.advance(chunk.size());
    if (job.left() > 0) {
      return false;
    }
    if (job.epoch() == prefixes.epoch()) {
      prefixes.put(job.tokens(), job.layers());
    }
    return true;
  }

  /** Gives the memory of a prompt back whose rows have gone on. */
  void complete(PrefillJob job) {
    jobs.remove(job);
    job.close();
  }

  /** Gives all memory back; the rows are gone. */
  @Override
  public void close() {
    jobs.forEach(PrefillJob::close);
    jobs.clear();
  }
}
