package io.ballast.kit.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.DurableMove;
import io.ballast.kit.file.OwnerOnly;
import io.ballast.kit.grpc.Principals;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The trail of a server without a database: a file with an entry a line, in the form of exports. An
 * entry is on disk when it counts as told, and is a line of the log too, for whoever keeps logs
 * elsewhere. One process at a time writes the file. What somebody altered in it stays as it is, and
 * is told: new entries follow the last line, whatever that is. Thread-safe.
 */
public final class FileAudit implements AuditTrail, TurnTrail {
  private static final Logger LOG = LoggerFactory.getLogger(FileAudit.class);

  /** Characters that are told of a line that is no entry. */
  private static final int SHOWN = 1_000;

  private final String name;
  private final Path file;

  /** Where what is cut off lies until that is told. */
  private final Path cut;

  private final InstantSource clock;

  /** Where each line begins, and at the end where the next one will; under this. */
  private final List<Long> places = new ArrayList<>(List.of(0L));

  private String head = AuditEntry.BEGINNING; // under this
  private Map<String, String> configuration = Map.of(); // of the last one; under this
  private final Map<String, PinnedVersion> turns = new TreeMap<>(); // the last ones; under this
  private volatile Optional<String> flaw = Optional.empty();

  /**
   * Goes on with what is in {@code file}, and says at ERROR what is wrong with it.
   *
   * @param name of the trail
   * @param file nobody else's, nor the one beside it whose name is longer by {@code .cut}; need not
   *     exist
   * @throws MeshException PRECONDITION_FAILED if it cannot be read
   */
  public FileAudit(String name, Path file, InstantSource clock) {
    this.name = name;
    this.file = file;
    this.cut = file.resolveSibling(file.getFileName() + ".cut");
    this.clock = clock;
    try {
      load();
    } catch (IOException e) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED, "the audit trail %s cannot be used: %s".formatted(file, e), e);
    }
  }

  @Override
  public String name() {
    return name;
  }

  /** The first entry that is wrong, as it was when the file was last read whole; empty: none. */
  public Optional<String> flaw() {
    return flaw;
  }

  /**
   * Appends an act of whoever makes the call under way.
   *
   * @throws MeshException OVERLOADED if it cannot be kept; then it is not told
   */
  public synchronized AuditEntry append(Act act) {
    try {
      catchUp();
      tellCut();
      return write(act, new ActJson.By(Principals.acting(), Principals.behalf()));
    } catch (IOException e) {
      throw new MeshException(
          Fault.OVERLOADED,
          "the audit trail cannot be kept: "
              + (e instanceof FileNotFoundException
                  ? "its file may not be written"
                  : String.valueOf(e.getMessage())),
          e);
    }
  }

  /**
   * Appends that the server runs with this configuration, unless the last one was the same.
   *
   * @throws MeshException OVERLOADED if it cannot be kept
   */
  public synchronized void configured(Configuration now) {
    KnownActs.configuration(name, configuration, now)
        .ifPresent(
            act -> {
              var unused = append(act);
            });
  }

  @Override
  public synchronized Set<String> served() {
    return Set.copyOf(turns.keySet());
  }

  @Override
  public synchronized void serving(
      Map<String, PinnedVersion> first, Collection<PinnedVersion> now) {
    for (PinnedVersion version : now) {
      Optional<PinnedVersion> last =
          Optional.ofNullable(turns.get(version.model()))
              .or(() -> Optional.ofNullable(first.get(version.model())));
      if (last.filter(version::equals).isEmpty()) {
        var unused = append(KnownActs.turn(last, version));
      }
    }
  }

  /** The acts whose action begins with {@code prefix}, in their order. */
  public synchronized List<Act> acts(String prefix) {
    return after(0, Integer.MAX_VALUE).stream()
        .flatMap(entry -> ActJson.read(entry).stream())
        .filter(act -> act.action().startsWith(prefix))
        .toList();
  }

  /**
   * {@inheritDoc}
   *
   * <p>A line that is no entry of its place is told as one without the hash of the one before, so
   * that it follows nothing.
   *
   * @throws MeshException DEPENDENCY_DOWN if the file cannot be read
   */
  @Override
  public synchronized List<AuditEntry> after(long sequence, int limit) {
    try {
      catchUp();
      int from = (int) Math.min(sequence, length());
      int to = (int) Math.min((long) from + limit, length());
      List<AuditEntry> entries = new ArrayList<>();
      if (from < to) {
        long begin = places.get(from);
        byte[] lines = read(begin, places.get(to));
        for (int i = from; i < to; i++) {
          int place = (int) (places.get(i) - begin);
          int end = (int) (places.get(i + 1) - begin);
          entries.add(entry(i + 1L, Arrays.copyOfRange(lines, place, end)));
        }
      }
      return entries;
    } catch (IOException e) {
      throw new MeshException(Fault.DEPENDENCY_DOWN, "the audit trail cannot be read", e);
    }
  }

  private int length() {
    return places.size() - 1;
  }

  /** Reads again what is not as long as this left it; entries that are gone are told. */
  private void catchUp() throws IOException {
    if (file.toFile().length() == places.getLast()) {
      return;
    }
    int told = length();
    String last = head;
    load();
    int left = length();
    if (left < told) {
      String why = "what followed entry %,d is gone, to entry %,d".formatted(left, told);
      LOG.error("the audit trail {} was altered: {}", file, why);
      flaw = flaw.or(() -> Optional.of(why));
      found("audit.lost", Map.of("entries", Integer.toString(told), "sha256", last));
    }
  }

  private void load() throws IOException {
    AuditChain chain = new AuditChain();
    Optional<String> found = Optional.empty();
    byte[] rest = new byte[0];
    if (Files.exists(file)) {
      try (InputStream in = new BufferedInputStream(new FileInputStream(file.toFile()))) {
        forget();
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = in.read(); next >= 0; next = in.read()) {
          line.write(next);
          if (next == '\n') {
            AuditEntry entry = entry(places.size(), line.toByteArray());
            found = found.isPresent() ? found : chain.add(entry);
            take(entry, line.size());
            line.reset();
          }
        }
        rest = line.toByteArray();
      }
    } else {
      forget();
    }
    flaw = found;
    found.ifPresent(why -> LOG.error("the audit trail {} was altered: {}", file, why));
    if (rest.length > 0) {
      cutOff(rest);
    }
    tellCut();
  }

  private void forget() {
    places.clear();
    places.add(0L);
    head = AuditEntry.BEGINNING;
    configuration = Map.of();
    turns.clear();
  }

  /**
   * Takes away the beginning of an entry that a process did not live to end, so that it was never
   * told. It is on disk elsewhere before: whoever altered the end of the file cannot have it taken
   * away unseen, wherever the process ends or the disk is full.
   */
  private void cutOff(byte[] rest) throws IOException {
    LOG.warn("the end of the audit trail {} is no entry: {} bytes are cut off", file, rest.length);
    byte[] before = Files.exists(cut) ? Files.readAllBytes(cut) : new byte[0];
    if (!endsWith(before, rest)) { // or a process ended before it had taken it away
      byte[] all = Arrays.copyOf(before, before.length + rest.length);
      System.arraycopy(rest, 0, all, before.length, rest.length);
      OwnerOnly.write(cut, all);
    }
    truncate();
  }

  private static boolean endsWith(byte[] bytes, byte[] end) {
    int from = bytes.length - end.length;
    return from >= 0 && Arrays.equals(bytes, from, bytes.length, end, 0, end.length);
  }

  /** Tells what was cut off, and forgets it; twice if the process ends between the two. */
  private void tellCut() throws IOException {
    if (Files.exists(cut)) {
      byte[] bytes = Files.readAllBytes(cut);
      found(
          "audit.cut", Map.of("bytes", Integer.toString(bytes.length), "sha256", Sha256.of(bytes)));
      Files.delete(cut);
    }
  }

  /** Tells what is wrong with the file, whoever's call it is that showed it. */
  private void found(String action, Map<String, String> details) throws IOException {
    var unused = write(new Act(action, "", "", name, "", details), ActJson.By.ITSELF);
  }

  private void truncate() throws IOException {
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.setLength(places.getLast());
    }
  }

  private byte[] read(long from, long to) throws IOException {
    byte[] bytes = new byte[Math.toIntExact(to - from)];
    try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
      in.seek(from);
      in.readFully(bytes);
    }
    return bytes;
  }

  private AuditEntry write(Act act, ActJson.By by) throws IOException {
    long sequence = places.size();
    String content = ActJson.of(sequence, clock.instant(), act, by);
    String sha256 = new AuditEntry(name, sequence, content, head, "").computedSha256();
    AuditEntry entry = new AuditEntry(name, sequence, content, head, sha256);
    byte[] line = bytes(entry);
    if (length() == 0) {
      createFile();
    }
    // no channel: an interrupt would close it in the middle of a line
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.seek(places.getLast());
      out.write(line);
      out.getFD().sync();
    } catch (IOException e) {
      takeBack(e);
      throw e;
    }
    take(entry, line.length);
    LOG.info("{}", AuditLine.of(entry));
    return entry;
  }

  /** What is not told must not be read later as if it were. */
  private void takeBack(IOException why) {
    try {
      truncate();
    } catch (IOException e) { // the next one finds what is there
      why.addSuppressed(e);
    }
  }

  /** The disk has its name before there is anything in it. */
  private void createFile() throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      OwnerOnly.createFolders(folder);
    }
    if (!Files.exists(file)) {
      OwnerOnly.createFile(file);
    }
    DurableMove.syncNames(folder);
  }

  /** Remembers what the next ones are compared with. */
  private void take(AuditEntry entry, int bytes) {
    places.add(places.getLast() + bytes);
    head = entry.sha256();
    ActJson.read(entry)
        .ifPresent(
            act -> {
              switch (act.action()) {
                case KnownActs.CONFIGURATION -> configuration = act.details();
                case KnownActs.TURN ->
                    turns.put(
                        act.subject(),
                        new PinnedVersion(
                            act.subject(),
                            act.details().getOrDefault("to", ""),
                            act.details().getOrDefault("to_sha256", "")));
                default -> {} // nothing is compared with it
              }
            });
  }

  /**
   * The entry of a line.
   *
   * @param line with its end
   */
  private AuditEntry entry(long sequence, byte[] line) {
    String text = new String(line, StandardCharsets.UTF_8);
    try {
      AuditEntry entry = AuditLine.read(text);
      if (entry.trail().equals(name)
          && entry.sequence() == sequence
          && Arrays.equals(bytes(entry), line)) {
        return entry;
      }
    } catch (JsonProcessingException e) {
      LOG.debug("line {} of {} is no entry: {}", sequence, file, e.getOriginalMessage());
    }
    return new AuditEntry(name, sequence, Texts.asLine(text.strip(), SHOWN), "", Sha256.of(line));
  }

  private static byte[] bytes(AuditEntry entry) {
    return (AuditLine.of(entry) + "\n").getBytes(StandardCharsets.UTF_8);
  }
}
