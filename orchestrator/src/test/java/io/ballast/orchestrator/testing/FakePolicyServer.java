package io.ballast.orchestrator.testing;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.torch.HandedCopies;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.CompletionGroup;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.GetVersionResponse;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.PromoteAliasResponse;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RegisterVersionResponse;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.SampleResult;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.policy.v1.TrainingRecord;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.grpc.BindableService;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A policy-server that samples letters. Versions are folders below a root; the alias "serving" of
 * the tiny model points to version 1 until it is promoted.
 */
public final class FakePolicyServer {
  /** Every Sample call that was answered. */
  public final List<SampleRequest> samples = new CopyOnWriteArrayList<>();

  /** Every promotion that was made. */
  public final List<PromoteAliasRequest> promotions = new CopyOnWriteArrayList<>();

  /** Every version that was registered, as it was asked for. */
  public final List<RegisterVersionRequest> registrations = new CopyOnWriteArrayList<>();

  /** Prompts with feedback, by tenant. */
  public final Map<String, List<String>> feedback = new ConcurrentHashMap<>();

  /** After which cursors feedback was asked for. */
  public final List<String> feedbackCursors = new CopyOnWriteArrayList<>();

  private final List<TrainingRecord> said = new CopyOnWriteArrayList<>();

  /** Somebody of {@code tenant} says something of a suggestion that was shown. */
  public void say(String tenant, String prompt, String completion, FeedbackEvent event) {
    said.add(
        TrainingRecord.newBuilder()
            .setSuggestion(
                SuggestionRecord.newBuilder()
                    .setTenant(tenant)
                    .setPrompt(prompt)
                    .setResponse(SuggestResponse.newBuilder().setDecision(Decision.DECISION_SHOW))
                    .setCompletion(Completion.newBuilder().setText(completion)))
            .setEvent(event)
            .build());
  }

  /** Sample waits for a permit; there are plenty unless a test drains them. */
  public final Semaphore samplePermits = new Semaphore(1_000_000);

  /** Fires when Sample has begun to wait for a permit. */
  public final Semaphore sampleBegun = new Semaphore(0);

  /** So many of the next calls fail as if nobody listened. */
  public final AtomicInteger down = new AtomicInteger();

  /** Prompts of a Sample call, by index, that fail. */
  public volatile IntPredicate brokenPrompts = index -> false;

  /** Where the alias "serving" points. */
  public volatile String serving = TinyModel.VERSION;

  /** What a promotion is refused with; null: it is made. */
  public volatile @Nullable StatusRuntimeException refusal;

  private final Path models;
  private final HandedCopies copies;
  private final Map<String, ModelVersion> registered = new ConcurrentHashMap<>();

  /**
   * @param models the root of the model folders
   * @param copies versions without a folder
   */
  public FakePolicyServer(Path models, HandedCopies copies) {
    this.models = models;
    this.copies = copies;
    registered.put(TinyModel.NAME + "/" + TinyModel.VERSION, folder(TinyModel.NAME, "1"));
  }

  /** All services. */
  public List<BindableService> services() {
    return List.of(new Policy(), new Versions(), new Feedback());
  }

  /** The checksum of a version that was registered. */
  public String weights(String model, String version) {
    return known(model, version).getWeightsSha256();
  }

  private ModelVersion folder(String model, String version) {
    String sha =
        handedSha(model, version)
            .or(
                () ->
                    ModelManifest.read(models.resolve(model).resolve(version))
                        .flatMap(ModelManifest::weightsSha256))
            .orElseThrow(() -> Status.NOT_FOUND.asRuntimeException());
    return ModelVersion.newBuilder()
        .setModel(model)
        .setVersion(version)
        .setWeightsSha256(sha)
        .build();
  }

  private Optional<String> handedSha(String model, String version) {
    try (HandedCopies.Hold hold = copies.find(model, version).orElse(null)) {
      return Optional.ofNullable(hold).map(held -> held.copy().weightsSha256());
    }
  }

  private ModelVersion known(String model, String version) {
    ModelVersion known = registered.get(model + "/" + version);
    if (known == null) {
      throw FakeFaults.of(
          Status.NOT_FOUND, "UNKNOWN_MODEL", "no version %s of %s".formatted(version, model));
    }
    return known;
  }

  private void requireUp() {
    if (down.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      throw Status.UNAVAILABLE.withDescription("connection refused").asRuntimeException();
    }
  }

  private final class Policy extends PolicyServiceGrpc.PolicyServiceImplBase {
    @Override
    public void sample(SampleRequest request, StreamObserver<SampleResponse> observer) {
      FakeFaults.answer(
          observer,
          () -> {
            requireUp();
            sampleBegun.release();
            samplePermits.acquire();
            return sample(request);
          });
    }

    private SampleResponse sample(SampleRequest request) {
      ModelVersion version =
          known(request.getPolicy().getModel(), request.getPolicy().getVersion());
      if (!folder(version.getModel(), version.getVersion()).equals(version)) {
        throw Status.DATA_LOSS.withDescription("other weights").asRuntimeException();
      }
      SampleResponse.Builder answer = SampleResponse.newBuilder().setPolicyVersion(version);
      for (int i = 0; i < request.getPromptsCount(); i++) {
        if (brokenPrompts.test(i)) {
          answer.addResults(
              SampleResult.newBuilder()
                  .setFailure(
                      ItemFailure.newBuilder()
                          .setReason(FailureReason.FAILURE_REASON_MODEL_ERROR)
                          .setMessage("prompts[" + i + "]: broken")));
          continue;
        }
        String prompt = request.getPrompts(i).getText();
        CompletionGroup.Builder group =
            CompletionGroup.newBuilder().setPromptTokens(tokens(FakeWorld.tokens(prompt)));
        for (int j = 0; j < request.getCompletionsCount(); j++) {
          String text =
              FakeWorld.completion(
                  version.getWeightsSha256(), request.getSampling().getSeed(), prompt, i, j);
          List<Float> logProbs = new ArrayList<>();
          for (float each : FakeWorld.logProbs(text).toArray()) {
            logProbs.add(each);
          }
          group.addCompletions(
              Completion.newBuilder()
                  .setTokens(tokens(FakeWorld.tokens(text)))
                  .setText(text)
                  .addAllLogProbs(logProbs));
        }
        answer.addResults(SampleResult.newBuilder().setGroup(group));
      }
      samples.add(request);
      return answer.build();
    }

    private static TokenSequence tokens(TokenIds ids) {
      TokenSequence.Builder sequence = TokenSequence.newBuilder();
      for (int id : ids.toArray()) {
        sequence.addTokenIds(id);
      }
      return sequence.build();
    }
  }

  private final class Versions extends VersionServiceGrpc.VersionServiceImplBase {
    @Override
    public void getVersion(GetVersionRequest request, StreamObserver<GetVersionResponse> observer) {
      FakeFaults.answer(
          observer,
          () -> {
            requireUp();
            String version =
                switch (request.getSelector().getSelectorCase()) {
                  case VERSION -> request.getSelector().getVersion();
                  case ALIAS -> serving;
                  case SELECTOR_NOT_SET -> "";
                };
            return GetVersionResponse.newBuilder()
                .setVersion(
                    PolicyVersion.newBuilder()
                        .setVersion(known(request.getSelector().getModel(), version)))
                .build();
          });
    }

    @Override
    public void registerVersion(
        RegisterVersionRequest request, StreamObserver<RegisterVersionResponse> observer) {
      FakeFaults.answer(
          observer,
          () -> {
            requireUp();
            ModelVersion version = folder(request.getModel(), request.getVersion());
            registered.put(request.getModel() + "/" + request.getVersion(), version);
            registrations.add(request);
            return RegisterVersionResponse.newBuilder()
                .setVersion(PolicyVersion.newBuilder().setVersion(version))
                .build();
          });
    }

    @Override
    public void promoteAlias(
        PromoteAliasRequest request, StreamObserver<PromoteAliasResponse> observer) {
      FakeFaults.answer(
          observer,
          () -> {
            requireUp();
            String key = request.getMetadata().getIdempotencyKey();
            boolean made =
                promotions.stream()
                    .anyMatch(each -> each.getMetadata().getIdempotencyKey().equals(key));
            StatusRuntimeException refused = refusal;
            if (!made && refused != null) {
              throw refused;
            }
            if (!made && !serving.equals(request.getExpectedVersion())) {
              throw FakeFaults.of(
                  Status.ABORTED, "VERSION_CONFLICT", "the alias points to " + serving);
            }
            if (!made) {
              var unused = known(request.getModel(), request.getNewVersion());
              promotions.add(request);
              serving = request.getNewVersion();
            }
            return PromoteAliasResponse.getDefaultInstance();
          });
    }
  }

  private final class Feedback extends FeedbackServiceGrpc.FeedbackServiceImplBase {
    @Override
    public void streamTrainingRecords(
        StreamTrainingRecordsRequest request,
        StreamObserver<StreamTrainingRecordsResponse> observer) {
      for (String prompt : feedback.getOrDefault(request.getMetadata().getTenant(), List.of())) {
        observer.onNext(
            StreamTrainingRecordsResponse.newBuilder()
                .setRecord(
                    TrainingRecord.newBuilder()
                        .setSuggestion(SuggestionRecord.newBuilder().setPrompt(prompt)))
                .build());
      }
      String after = request.getAfterCursor();
      feedbackCursors.add(after);
      for (int i = after.isEmpty() ? 0 : Integer.parseInt(after); i < said.size(); i++) {
        TrainingRecord record = said.get(i);
        if (record.getSuggestion().getTenant().equals(request.getMetadata().getTenant())) {
          observer.onNext(
              StreamTrainingRecordsResponse.newBuilder()
                  .setCursor(Integer.toString(i + 1))
                  .setRecord(record)
                  .build());
        }
      }
      observer.onCompleted();
    }
  }
}
