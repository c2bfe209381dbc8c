package io.ballast.kit.kserve.grpc;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.kserve.Datatype;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.InferenceTimes;
import io.ballast.kit.kserve.LastAnswer;
import io.ballast.kit.kserve.ModelSignature;
import io.ballast.kit.kserve.ModelState;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorSpec;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * A server of the KServe v2 API in this process over two models: {@code rew} judges pairs and knows
 * versions 1 and 2; {@code dec} says its input word by word.
 */
final class ShelfServer implements AutoCloseable {
  /** A completion that {@code rew} finds too long. */
  static final String FAILS = "FAIL";

  /** A completion that {@code rew} judges for as long as somebody waits. */
  static final String WAITS = "WAIT";

  /** A completion that {@code rew} answers once too often. */
  static final String TWICE = "TWICE";

  /** A completion whose reward is no number. */
  static final String IS_NO_NUMBER = "NAN";

  private final List<InferenceCommand> commands = new CopyOnWriteArrayList<>();
  private final CountDownLatch waiting = new CountDownLatch(1);
  private final CountDownLatch cancelled = new CountDownLatch(1);
  private final AtomicLong nanos = new AtomicLong();
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("test"), 64);
  private final InferenceGrpcService service =
      new InferenceGrpcService(
          List.of(new Shelf()),
          replies,
          new StatusMapper("test"),
          () -> true,
          new Inferences(
              InstantSource.fixed(Instant.ofEpochMilli(1_234)), () -> nanos.getAndAdd(500)));
  private final Server server;
  private final ManagedChannel channel;

  ShelfServer() throws IOException {
    String name = InProcessServerBuilder.generateName();
    server = InProcessServerBuilder.forName(name).addService(service).build().start();
    channel = InProcessChannelBuilder.forName(name).build();
  }

  ManagedChannel channel() {
    return channel;
  }

  GRPCInferenceServiceBlockingStub stub() {
    return GRPCInferenceServiceGrpc.newBlockingStub(channel);
  }

  /** What {@code rew} was asked. */
  List<InferenceCommand> commands() {
    return commands;
  }

  /** Open once {@code rew} judges for as long as somebody waits. */
  CountDownLatch waiting() {
    return waiting;
  }

  /** Open once nobody waits any more. */
  CountDownLatch cancelled() {
    return cancelled;
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.shutdownNow();
    replies.close();
    service.close();
  }

  private final class Shelf implements ServedModels {
    @Override
    public List<ModelState> states() {
      return List.of(
          ModelState.ready("rew", "2"),
          new ModelState("rew", "1", false, "not loaded"),
          ModelState.ready("dec", "a-1"),
          ModelState.ready("rollout", "r-1"));
    }

    @Override
    public Optional<ServedModel> find(String model, String version) {
      return switch (model + "/" + version) {
        case "rew/", "rew/2" -> Optional.of(new Judge("2"));
        case "rew/1" -> Optional.of(new Judge("1"));
        case "dec/", "dec/a-1" -> Optional.of(new Speaker());
        default -> Optional.empty();
      };
    }
  }

  private final class Judge implements ServedModel {
    private final String version;

    Judge(String version) {
      this.version = version;
    }

    @Override
    public PinnedVersion id() {
      return new PinnedVersion("rew", version, "ab12");
    }

    @Override
    public ModelSignature signature() {
      return new ModelSignature(
          4,
          false,
          List.of(
              TensorSpec.of("prompt", Datatype.BYTES, 1),
              TensorSpec.of("completion", Datatype.BYTES, 1),
              new TensorSpec("x", Datatype.FP32, List.of(2L), true)),
          List.of(
              TensorSpec.of("reward", Datatype.FP32, 1), TensorSpec.of("std", Datatype.FP32, 1)),
          Map.of("quorum", "5"));
    }

    @Override
    public LastAnswer infer(InferenceCommand command, Consumer<List<Tensor>> earlier) {
      commands.add(command);
      List<String> completions = command.texts("completion");
      if (completions.contains(FAILS)) {
        throw new MeshException(Fault.MALFORMED_REQUEST, "batch[0].completion: too long");
      }
      if (completions.contains(WAITS)) {
        await();
      }
      List<Float> lengths =
          completions.stream()
              .map(text -> text.equals(IS_NO_NUMBER) ? Float.NaN : (float) text.length())
              .toList();
      List<Tensor> outputs =
          List.of(
              Tensor.column("reward", new TensorValues.Floats(lengths)),
              Tensor.column("std", new TensorValues.Floats(lengths)));
      if (completions.contains(TWICE)) {
        earlier.accept(outputs);
      }
      return new LastAnswer(
          outputs,
          new InferenceTimes(
              Duration.ofNanos(10),
              Duration.ofNanos(20),
              Duration.ofNanos(30),
              Duration.ofNanos(40)));
    }

    private void await() {
      Context.current().addListener(context -> cancelled.countDown(), Runnable::run);
      waiting.countDown();
      try {
        cancelled.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      throw new CancellationException("nobody waits");
    }
  }

  private static final class Speaker implements ServedModel {
    @Override
    public PinnedVersion id() {
      return new PinnedVersion("dec", "a-1", "cd34");
    }

    @Override
    public ModelSignature signature() {
      return new ModelSignature(
          0,
          true,
          List.of(TensorSpec.of("text_input", Datatype.BYTES, 1)),
          List.of(TensorSpec.of("text_output", Datatype.BYTES, -1)),
          Map.of());
    }

    @Override
    public LastAnswer infer(InferenceCommand command, Consumer<List<Tensor>> earlier) {
      String text = command.text("text_input").orElseThrow();
      List<String> words = List.of(text.split(" ", -1));
      words.subList(0, words.size() - 1).forEach(word -> earlier.accept(said(word)));
      return new LastAnswer(
          said(words.getLast()),
          new InferenceTimes(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO));
    }

    private static List<Tensor> said(String word) {
      return List.of(Tensor.list("text_output", new TensorValues.Texts(List.of(word))));
    }
  }
}
