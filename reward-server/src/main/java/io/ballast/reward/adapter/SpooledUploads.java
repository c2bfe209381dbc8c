package io.ballast.reward.adapter;

import io.ballast.inference.store.ModelStore;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.OwnerOnly;
import io.ballast.reward.core.training.JudgementUploads;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.BadRowsException;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.JudgementFile;
import io.ballast.training.data.RowLimits;
import io.ballast.training.data.TooLargeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what comes in a folder for as long as it is read. One file is open at a time: what a file
 * takes of disk and memory is taken once, however many callers there are. Thread-safe.
 */
public final class SpooledUploads implements JudgementUploads {
  private static final Logger LOG = LoggerFactory.getLogger(SpooledUploads.class);
  private static final int NAMED_ROWS = 20;

  private final Path folder;
  private final long mostBytes;
  private final int mostJudgements;
  private final Semaphore open = new Semaphore(1);

  /**
   * Deletes what a process that was killed has left.
   *
   * @param folder nobody else's
   * @param mostBytes of all files of an upload, and most characters of their rows when they are
   *     unpacked, ≥ 1
   * @param mostJudgements of all files of an upload, ≥ 1
   */
  public SpooledUploads(Path folder, long mostBytes, int mostJudgements) {
    this.folder = folder;
    this.mostBytes = mostBytes;
    this.mostJudgements = mostJudgements;
    deleteKept();
  }

  private void deleteKept() {
    try {
      ModelStore.deleteAll(folder);
    } catch (IOException | UncheckedIOException e) { // in nobody's way but the disk's
      LOG.warn("an upload stays until the next: {}", e.getMessage());
    }
  }

  @Override
  public Upload begin() {
    if (!open.tryAcquire()) {
      throw new MeshException(
          Fault.OVERLOADED, "another file of judgements is coming; one at a time: try again");
    }
    boolean begun = false;
    try {
      OwnerOnly.createFolders(folder);
      Path file = Files.createTempFile(folder, "upload", ".jsonl");
      Upload upload = new Spooled(file, FileChannel.open(file, StandardOpenOption.WRITE));
      begun = true;
      return upload;
    } catch (IOException e) {
      throw noRoom(e);
    } finally {
      if (!begun) {
        end();
      }
    }
  }

  /** Makes room for the next file. */
  private void end() {
    try {
      deleteKept();
    } finally {
      open.release();
    }
  }

  private static MeshException noRoom(IOException e) {
    LOG.warn("an upload cannot be kept: {}", e.toString());
    return new MeshException(Fault.OVERLOADED, "file: cannot be kept: " + StorageWords.of(e), e);
  }

  private final class Spooled implements Upload {
    private final Path file;
    private final FileChannel channel;
    private long size;
    private int files; // that have been read
    private int judgements;
    private long characters;
    private boolean closed;

    private Spooled(Path file, FileChannel channel) {
      this.file = file;
      this.channel = channel;
    }

    @Override
    public void write(FileName of, ByteBuffer bytes) {
      size += bytes.remaining();
      if (size > mostBytes) {
        throw Texts.malformed(
            of.words(), withOthers("more than %,d bytes, the limit".formatted(mostBytes)));
      }
      try {
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
      } catch (IOException e) {
        throw noRoom(e);
      }
    }

    @Override
    public JudgementData read(FileName of, boolean skipsBad) {
      try {
        JudgementFile.Counted read =
            new JudgementFile(
                    RowLimits.defaults(),
                    skipsBad,
                    mostJudgements - judgements,
                    mostBytes - characters)
                .readCounted(file);
        files++;
        judgements += read.data().judgements().size();
        characters += read.characters();
        clear();
        return read.data();
      } catch (TooLargeException e) {
        String flaw =
            files == 0
                ? String.valueOf(e.getMessage())
                : withOthers(
                    "more than %,d judgements or %,d characters, the limit"
                        .formatted(mostJudgements, mostBytes));
        throw Texts.malformed(
            of.words(), flaw + "; ./mesh reward train without --remote takes more");
      } catch (BadRowsException e) {
        Map<String, String> rows = new TreeMap<>();
        rows.put("bad_rows_count", Long.toString(e.count()));
        if (!of.objective().isEmpty()) {
          rows.put("objective", of.objective());
        }
        for (BadRow row : e.shown().subList(0, Math.min(e.shown().size(), NAMED_ROWS))) {
          rows.put("rows[%d]".formatted(row.row()), row.reason());
        }
        throw new MeshException(
            Fault.MALFORMED_REQUEST,
            String.valueOf(e.getMessage()).replace(String.valueOf(file.getFileName()), of.words()),
            rows);
      } catch (FileSystemException e) {
        throw noRoom(e);
      } catch (IOException e) { // such as a gzip file that ends early
        throw Texts.malformed(of.words(), "no whole file: " + e.getMessage());
      }
    }

    private String withOthers(String flaw) {
      return files == 0 ? flaw : "with the files before it " + flaw;
    }

    /** Makes room for the next file. */
    private void clear() {
      try {
        channel.truncate(0);
      } catch (IOException e) {
        throw noRoom(e);
      }
    }

    @Override
    public void close() {
      if (closed) {
        return;
      }
      closed = true;
      try {
        channel.close();
      } catch (IOException e) { // it is deleted all the same
        LOG.debug("an upload was not closed: {}", e.getMessage());
      } finally {
        end();
      }
    }
  }
}
