package io.ballast.reward.grpc;

import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.core.AggregationChoice;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoreItem;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Channel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Asks Score for callers who speak another protocol. Their call passes what every gRPC call passes:
 * token, limits, deadline, drain, metrics. Thread-safe.
 */
public final class ScoreCalls {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  private final Supplier<Channel> server;

  /**
   * @param server gives the way to the service, for each call; may throw while there is none
   */
  public ScoreCalls(Supplier<Channel> server) {
    this.server = server;
  }

  /**
   * Who asks.
   *
   * @param authorization the header, as it came
   * @param requestId the header {@code x-request-id}, as it came
   * @param timeout how long the caller waits, above 0
   */
  public record Asker(
      Optional<String> authorization, Optional<String> requestId, Duration timeout) {}

  /**
   * What was answered.
   *
   * @param requestId the call's, given by the caller or the server
   * @param by who judged
   * @param outcomes one for each item, in order
   */
  public record Scored(String requestId, PinnedVersion by, List<Outcome> outcomes) {
    public Scored {
      outcomes = List.copyOf(outcomes);
    }
  }

  /** A reward, or why there is none. */
  public sealed interface Outcome {
    /**
     * A reward, finite, with what it was made of.
     *
     * @param spread of the members; empty of a composite
     * @param members shape [K], each on the common scale; empty where a member gave none
     * @param components what each component or objective said, by name, in the model's order
     * @param droppedPromptTokens that the members did not see, ≥ 0
     */
    record Value(
        double reward,
        OptionalDouble spread,
        List<OptionalDouble> members,
        Map<String, Double> components,
        int droppedPromptTokens,
        boolean fromCache)
        implements Outcome {
      public Value {
        members = List.copyOf(members);
        components = Collections.unmodifiableMap(new LinkedHashMap<>(components));
      }
    }

    /** Why there is none. */
    record Failed(ItemFault fault) implements Outcome {}
  }

  /**
   * Asks; blocks until the answer is there. Whoever interrupts the thread cancels the call.
   *
   * @throws StatusRuntimeException what the service, or the way to it, answers instead
   */
  public Scored score(ScoreCommand command, Asker asker) {
    Metadata headers = new Metadata();
    asker.authorization().ifPresent(header -> headers.put(AUTHORIZATION, header));
    asker.requestId().ifPresent(id -> headers.put(REQUEST_ID, id));
    AtomicReference<Metadata> trailers = new AtomicReference<>(new Metadata());
    ScoreResponse response =
        RewardServiceGrpc.newBlockingStub(server.get())
            .withInterceptors(
                MetadataUtils.newAttachHeadersInterceptor(headers),
                MetadataUtils.newCaptureMetadataInterceptor(new AtomicReference<>(), trailers))
            .withDeadlineAfter(asker.timeout().toNanos(), TimeUnit.NANOSECONDS)
            .score(request(command));
    return new Scored(
        requestId(trailers.get()).orElse(""),
        MeshMessages.version(response.getModelVersion()),
        response.getResultsList().stream().map(ScoreCalls::outcome).toList());
  }

  /** The id of a call that failed; empty if it had none yet. */
  public static Optional<String> requestId(StatusRuntimeException failed) {
    return requestId(failed.getTrailers());
  }

  private static Optional<String> requestId(@Nullable Metadata trailers) {
    return Optional.ofNullable(trailers).map(all -> all.get(REQUEST_ID));
  }

  private static ScoreRequest request(ScoreCommand command) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(
                RequestMetadata.newBuilder()
                    .setTenant(command.behalf().tenant())
                    .setPriority(MeshMessages.priority(command.lane())))
            .setRewardModel(selector(command.ensemble()))
            .setTruncation(MeshMessages.truncation(command.truncation()))
            .setBypassCache(command.anew());
    if (!command.aggregation().equals(AggregationChoice.unspecified())) {
      request.setAggregation(aggregation(command.aggregation()));
    }
    command.items().forEach(item -> request.addItems(item(item)));
    return request.build();
  }

  private static ModelSelector selector(VersionSelector selector) {
    ModelSelector.Builder message = ModelSelector.newBuilder().setModel(selector.model());
    return switch (selector.kind()) {
      case VERSION -> message.setVersion(selector.name()).build();
      case ALIAS -> message.setAlias(selector.name()).build();
    };
  }

  private static Aggregation aggregation(AggregationChoice choice) {
    Aggregation.Builder message = Aggregation.newBuilder();
    if (choice.method() != null) {
      message.setMethod(RewardMapper.method(choice.method()));
    }
    if (choice.uwoLambda() != null) {
      message.setUwoLambda(choice.uwoLambda());
    }
    if (choice.quantile() != null) {
      message.setQuantile(choice.quantile());
    }
    return message.build();
  }

  private static io.ballast.reward.v1.ScoreItem item(ScoreItem item) {
    return io.ballast.reward.v1.ScoreItem.newBuilder()
        .setItemId(item.itemId())
        .setPrompt(RewardMapper.content(item.prompt()))
        .setCompletion(RewardMapper.content(item.completion()))
        .putAllReferences(item.references())
        .build();
  }

  private static Outcome outcome(ScoreResult result) {
    if (!result.hasValue()) {
      return new Outcome.Failed(
          new ItemFault(
              MeshMessages.reason(result.getFailure().getReason()),
              result.getFailure().getMessage()));
    }
    List<OptionalDouble> members = new ArrayList<>();
    result
        .getMembersList()
        .forEach(
            member ->
                members.add(
                    member.hasNormalisedScore()
                        ? OptionalDouble.of(member.getNormalisedScore())
                        : OptionalDouble.empty()));
    Map<String, Double> components = new LinkedHashMap<>();
    for (ComponentScore component : result.getComponentsList()) {
      if (component.hasValue()) {
        components.put(component.getName(), component.getValue());
      }
    }
    return new Outcome.Value(
        result.getValue(),
        result.hasSpread() ? OptionalDouble.of(result.getSpread()) : OptionalDouble.empty(),
        members,
        components,
        result.getPromptCut().getDroppedTokens(),
        result.getFromCache());
  }
}
