package io.ballast.orchestrator.adapter;

import io.ballast.kit.redaction.PlainWords;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.peer.PromptArchive;
import io.ballast.orchestrator.core.spec.PromptSource;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Prompts in files of the data folder, and in the feedback that the policy-server keeps. */
public final class ArchivedPrompts implements PromptArchive {
  private static final long MAX_FILE_BYTES = 128L << 20;

  /** Where files for runs lie in the data folder: whatever else is there is no run's to read. */
  private static final List<String> FOLDERS = List.of("prompts", "preferences", "texts");

  /** The folder in each of them whose files every tenant may read. */
  private static final String SHARED = "shared";

  private final Path dataFolder;
  private final FeedbackServiceGrpc.FeedbackServiceBlockingStub feedback;
  private final Duration timeout;

  /**
   * @param timeout how long reading the feedback may take
   */
  public ArchivedPrompts(Path dataFolder, Channel policyServer, Duration timeout) {
    this.dataFolder = dataFolder;
    this.feedback = FeedbackServiceGrpc.newBlockingStub(policyServer);
    this.timeout = timeout;
  }

  @Override
  public void ofFile(String field, PromptSource.InFile source, Caller caller, Sink sink) {
    Path file = resolve(field, source.path(), caller);
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw Faults.malformed(
            field, "%,d bytes, limit %,d".formatted(Files.size(file), MAX_FILE_BYTES));
      }
      PromptFile.read(field, file, source, sink);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** No path leads out of the folders, by {@code ..}, from the root or along a link. */
  private Path resolve(String field, String path, Caller caller) {
    List<String> folders = folders(caller);
    try {
      Path file = dataFolder.resolve(path).normalize();
      if (isBelow(folders, dataFolder.normalize(), file) && Files.isRegularFile(file)) {
        Path real = file.toRealPath();
        if (isBelow(folders, dataFolder.toRealPath(), real)) {
          return real;
        }
      }
    } catch (InvalidPathException e) {
      throw Faults.malformed(field, "'%s' is no path".formatted(PlainWords.name(path)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw Faults.malformed( // the same words for what is not there and for what is not theirs
        field,
        "there is no file '%s' to read (expected: one in the data folder's %s)"
            .formatted(PlainWords.name(path), String.join(", ", folders)));
  }

  private static List<String> folders(Caller caller) {
    return caller.bound()
        ? FOLDERS.stream()
            .flatMap(folder -> Stream.of(folder + "/" + caller.tenant(), folder + "/" + SHARED))
            .distinct()
            .toList()
        : FOLDERS;
  }

  private static boolean isBelow(List<String> folders, Path root, Path file) {
    return folders.stream().anyMatch(folder -> file.startsWith(root.resolve(folder)));
  }

  @Override
  public List<String> ofFeedback(String tenant, int max) {
    StreamTrainingRecordsRequest request =
        StreamTrainingRecordsRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setTenant(tenant))
            .build();
    try {
      Iterator<StreamTrainingRecordsResponse> records =
          feedback
              .withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
              .streamTrainingRecords(request);
      LinkedHashSet<String> prompts = new LinkedHashSet<>();
      while (records.hasNext()) {
        String prompt = records.next().getRecord().getSuggestion().getPrompt();
        prompts.remove(prompt); // its newest place counts
        prompts.add(prompt);
        if (prompts.size() > max) {
          prompts.removeFirst();
        }
      }
      return List.copyOf(prompts);
    } catch (StatusRuntimeException e) {
      throw PeerCalls.judge(e, PeerCalls.POLICY_SERVER);
    }
  }
}
