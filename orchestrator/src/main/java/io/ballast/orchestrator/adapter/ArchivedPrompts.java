package io.ballast.orchestrator.adapter;

import io.ballast.mesh.v1.RequestMetadata;
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

/** Prompts in files of the data folder, and in the feedback that the policy-server keeps. */
public final class ArchivedPrompts implements PromptArchive {
  private static final long MAX_FILE_BYTES = 128L << 20;

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
  public void ofFile(String field, PromptSource.InFile source, Sink sink) {
    Path file = resolve(field, source.path());
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

  /** No path leads out of the data folder, by {@code ..}, from the root or along a link. */
  private Path resolve(String field, String path) {
    try {
      Path file = dataFolder.resolve(path).normalize();
      if (!file.startsWith(dataFolder.normalize())) { // nobody learns what lies there
        throw Faults.malformed(field, "'%s' is outside the data folder".formatted(path));
      }
      if (path.isEmpty() || !Files.isRegularFile(file)) {
        throw Faults.malformed(field, "there is no file '%s' in the data folder".formatted(path));
      }
      Path real = file.toRealPath();
      if (!real.startsWith(dataFolder.toRealPath())) {
        throw Faults.malformed(field, "'%s' is outside the data folder".formatted(path));
      }
      Path skipped = dataFolder.resolve(SkippedSampleFiles.FOLDER);
      if (Files.isDirectory(skipped) && real.startsWith(skipped.toRealPath())) { // of any tenant
        throw Faults.malformed(field, "there is no file '%s' in the data folder".formatted(path));
      }
      return file;
    } catch (InvalidPathException e) {
      throw Faults.malformed(field, "'%s' is no path".formatted(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
