package io.ballast.testing.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.MeshServer;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.kserve.grpc.InferenceGrpcService;
import io.ballast.kit.kserve.grpc.Inferences;
import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * The services of a server behind the edge of a process, to be sent anything at all. Every answer
 * must be typed: OK, or a status with a reason that the caller can act on.
 */
public final class FuzzedServer implements AutoCloseable {
  /** How many inputs the test of a module sends; the longer lane sets the property. */
  static final int INPUTS = Integer.getInteger("ballast.fuzz.inputs", 2_000);

  private static final int CALLS_AT_ONCE = 16;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** A stream that waits for news ends so: it has shown that it took its request. */
  private static final Duration LISTENED = Duration.ofMillis(100);

  private static final int SHOWN_BYTES = 600;

  /** A request of more bytes is not shown as text. */
  private static final int LONGEST_TEXT = 1 << 20;

  /** One input in so many goes over the network, the others stay in the process. */
  private static final int PER_NETWORK = 8;

  /** One input in so many is repeated until it is nearly as long as a message may be. */
  private static final int PER_LONG = 1_000;

  /** What a caller is told of a bug, in a status or inside an answer. */
  private static final String BUG = "internal error; the server's log says more";

  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("fuzzed"), 64);
  private final InferenceGrpcService inference;
  private final MeshServer server;
  private final Channel channel;
  private final ManagedChannel network;
  private final Map<String, List<String>> words;
  private final List<String> waiting;
  private final List<Target> targets = new ArrayList<>();
  private final List<Input> good = new ArrayList<>();
  private final List<Input> bases = new ArrayList<>();
  private final Semaphore room = new Semaphore(CALLS_AT_ONCE);
  private final Queue<String> flaws = new ConcurrentLinkedQueue<>();

  private record Target(MethodDescriptor<?, ?> method, Message prototype) {
    boolean streams() {
      return method.getType() == MethodType.SERVER_STREAMING
          || method.getType() == MethodType.BIDI_STREAMING;
    }
  }

  private record Input(Target target, byte[] request) {}

  private FuzzedServer(
      List<BindableService> servers,
      List<ServedModels> models,
      Map<String, List<String>> words,
      List<String> waiting) {
    this.words = words;
    this.waiting = waiting;
    inference =
        new InferenceGrpcService(
            models,
            replies,
            new StatusMapper("fuzzed"),
            () -> true,
            new Inferences(InstantSource.system(), System::nanoTime));
    List<BindableService> services = new ArrayList<>(servers);
    if (!models.isEmpty()) {
      services.add(inference);
    }
    server =
        MeshServer.start(
            MeshServer.Options.loopback(0),
            services,
            new SimpleMeterRegistry(),
            OpenTelemetry.noop(),
            System::nanoTime);
    channel = server.inside();
    network =
        NettyChannelBuilder.forAddress("127.0.0.1", server.port())
            .usePlaintext()
            .maxInboundMessageSize(Integer.MAX_VALUE)
            .build();
    for (BindableService service : services) {
      service
          .bindService()
          .getMethods()
          .forEach(
              method -> {
                MethodDescriptor<?, ?> descriptor = method.getMethodDescriptor();
                targets.add(new Target(descriptor, prototype(descriptor)));
              });
    }
    targets.sort((a, b) -> name(a).compareTo(name(b)));
  }

  /**
   * Starts a server of these services, and of the KServe v2 API if there are models.
   *
   * @param words what a field of this name may well have, such as a model's name
   * @param waiting names of calls that may wait for as long as their caller does
   */
  public static FuzzedServer start(
      List<BindableService> services,
      List<ServedModels> models,
      Map<String, List<String>> words,
      List<String> waiting) {
    return new FuzzedServer(services, models, words, waiting);
  }

  /** Adds a request that is always answered well; many inputs are such ones with a flaw. */
  public <Q extends Message> FuzzedServer good(MethodDescriptor<Q, ?> method, Q request) {
    good.add(new Input(target(method), request.toByteArray()));
    return like(method, request);
  }

  /** Adds a request that many inputs are like, whatever it is answered itself. */
  public <Q extends Message> FuzzedServer like(MethodDescriptor<Q, ?> method, Q request) {
    bases.add(new Input(target(method), request.toByteArray()));
    return this;
  }

  /** Leaves out a call that would end what the others need. */
  public FuzzedServer without(MethodDescriptor<?, ?> method) {
    targets.remove(target(method));
    return this;
  }

  /** The requests that inputs are like, as {@link #assertTyped(byte[])} takes them. */
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    for (Input input : bases) {
      byte[] seed = new byte[1 + input.request().length];
      seed[0] = (byte) targets.indexOf(input.target());
      System.arraycopy(input.request(), 0, seed, 1, input.request().length);
      seeds.add(seed);
    }
    return seeds;
  }

  /** Sends inputs that come of {@code seed}, then the good requests, which are still answered. */
  public void assertTyped(long seed) {
    Random random = new Random(seed);
    RandomMessages messages = new RandomMessages(random, words);
    ByteMutations bytes = new ByteMutations(random);
    for (int i = 0; i < INPUTS && flaws.isEmpty(); i++) {
      boolean known = !bases.isEmpty() && random.nextInt(2) == 0;
      Input basis = known ? bases.get(random.nextInt(bases.size())) : null;
      Target target = basis == null ? targets.get(random.nextInt(targets.size())) : basis.target();
      Message message =
          basis == null
              ? messages.of(target.prototype())
              : messages.changed(parsed(target, basis.request()));
      byte[] request =
          switch (random.nextInt(8)) {
            case 0 -> bytes.noise();
            case 1, 2 -> bytes.damaged(message.toByteArray());
            default -> message.toByteArray();
          };
      boolean isLong = i % PER_LONG == PER_LONG / 2;
      send(
          isLong || i % PER_NETWORK == 0 ? network : channel,
          target,
          isLong ? repeated(request) : request,
          false);
    }
    await();
    assertThat(flaws).isEmpty();
    good.forEach(input -> send(channel, input.target(), input.request(), true));
    await();
    assertThat(flaws).isEmpty();
  }

  /** Sends one input of a fuzzer: which call it is, then the bytes of its request. */
  public void assertTyped(byte[] input) {
    if (input.length == 0) {
      return;
    }
    Target target = targets.get(Byte.toUnsignedInt(input[0]) % targets.size());
    byte[] request = new byte[input.length - 1];
    System.arraycopy(input, 1, request, 0, request.length);
    send(channel, target, request, false);
    await();
    assertThat(flaws).isEmpty();
  }

  @Override
  public void close() {
    network.shutdownNow();
    server.close();
    inference.close();
    replies.close();
  }

  /** As often as a message may be long; a message twice is one message still. */
  private static byte[] repeated(byte[] request) {
    int times = MeshServer.Options.loopback(0).maxMessageBytes() / Math.max(1, request.length);
    byte[] all = new byte[times * request.length];
    for (int i = 0; i < times; i++) {
      System.arraycopy(request, 0, all, i * request.length, request.length);
    }
    return all;
  }

  private void send(Channel over, Target target, byte[] request, boolean good) {
    acquire(1, () -> "no answer to one of these, the last: " + shown(target, request));
    boolean mayEnd = target.streams() || waiting.contains(target.method().getBareMethodName());
    Duration patience = mayEnd && !good ? LISTENED : PATIENCE;
    ClientCall<byte[], byte[]> call =
        over.newCall(
            raw(target.method()),
            CallOptions.DEFAULT.withDeadlineAfter(patience.toMillis(), TimeUnit.MILLISECONDS));
    // a call that has ended is kept until its deadline, and long requests fill the heap by then
    AtomicReference<byte[]> asked = new AtomicReference<>(request);
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onMessage(byte[] answer) {
            if (new String(answer, StandardCharsets.ISO_8859_1).contains(BUG)) {
              flaws.add("a bug inside the answer to " + shown(target, asked.get()));
            }
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            if (good ? !status.isOk() : !isTyped(status, trailers, mayEnd)) {
              flaws.add(
                  "%s (%s) is the answer to %s"
                      .formatted(
                          status.getCode(), status.getDescription(), shown(target, asked.get())));
            }
            asked.set(new byte[0]);
            room.release();
          }
        },
        new Metadata());
    call.request(Integer.MAX_VALUE);
    call.sendMessage(request);
    if (!target.method().getType().clientSendsOneMessage()) {
      call.sendMessage(request); // the second of a stream may find what the first has left
    }
    call.halfClose();
  }

  private void await() {
    acquire(CALLS_AT_ONCE, () -> "some calls were not answered");
    room.release(CALLS_AT_ONCE);
  }

  private void acquire(int permits, Supplier<String> otherwise) {
    try {
      if (!room.tryAcquire(permits, 2 * PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError(otherwise.get());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private static boolean isTyped(Status status, Metadata trailers, boolean mayEnd) {
    Optional<Fault> reason = PeerFaults.reason(status.asRuntimeException(trailers));
    return switch (status.getCode()) {
      case OK, UNIMPLEMENTED -> true;
      case DEADLINE_EXCEEDED -> mayEnd;
      case UNKNOWN -> false;
      default -> reason.isPresent();
    };
  }

  private Target target(MethodDescriptor<?, ?> method) {
    return targets.stream()
        .filter(target -> name(target).equals(method.getFullMethodName()))
        .findFirst()
        .orElseThrow();
  }

  private static String name(Target target) {
    return target.method().getFullMethodName();
  }

  private static String shown(Target target, byte[] request) {
    String text;
    try {
      text =
          request.length > LONGEST_TEXT
              ? "too long to be shown\n"
              : target.prototype().getParserForType().parseFrom(request).toString();
    } catch (InvalidProtocolBufferException e) {
      text = "no message: " + e.getMessage() + "\n";
    }
    String hex = HexFormat.of().formatHex(request, 0, Math.min(request.length, SHOWN_BYTES));
    return "%s, %,d bytes: %s\n%s".formatted(name(target), request.length, hex, text);
  }

  private static Message parsed(Target target, byte[] request) {
    try {
      return target.prototype().getParserForType().parseFrom(request);
    } catch (InvalidProtocolBufferException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Message prototype(MethodDescriptor<?, ?> method) {
    if (method.getRequestMarshaller() instanceof PrototypeMarshaller<?> marshaller
        && marshaller.getMessagePrototype() instanceof Message message) {
      return message;
    }
    throw new AssertionError(method.getFullMethodName() + " takes no message");
  }

  private static <Q, A> MethodDescriptor<byte[], byte[]> raw(MethodDescriptor<Q, A> method) {
    return method.toBuilder(new Bytes(), new Bytes()).build();
  }

  /** Sends and takes bytes as they are. */
  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] bytes) {
      return new ByteArrayInputStream(bytes);
    }

    @Override
    public byte[] parse(InputStream bytes) {
      try {
        return bytes.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
