package io.ballast.reward;

import static io.ballast.reward.testing.Composites.composite;
import static io.ballast.reward.testing.TestReward.item;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.reward.adapter.NamedRemotes;
import io.ballast.reward.component.Composite;
import io.ballast.reward.component.Outside;
import io.ballast.reward.component.RemoteSettings;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.TestAuthority;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A reward that another process gives is a finite number, or a failure that says whose. */
class RemoteRewardTest {
  private static final InetSocketAddress LOOPBACK =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  private static final String LARGE = "x".repeat(17 << 20);

  private final CountDownLatch never = new CountDownLatch(1);
  private final List<JsonNode> posted = new CopyOnWriteArrayList<>();
  private final List<ScoreRequest> scored = new CopyOnWriteArrayList<>();
  private AutoCloseable elsewhere = () -> {};
  private TestReward reward = TestReward.start(Map.of());

  @AfterEach
  void stop() throws Exception {
    never.countDown();
    reward.close();
    elsewhere.close();
  }

  @Test
  void httpSpeaksAsOpenRlhfDoes() throws IOException {
    startHttp(200, body -> "{\"rewards\": [0.5, -2], \"scores\": [1, 2], \"extra_logs\": {}}");

    ScoreResponse response = score(asked("a", "1"), asked("b", "2"));

    assertThat(response.getResultsList())
        .extracting(ScoreResult::getValue)
        .containsExactly(.5, -2.);
    assertThat(posted).hasSize(1);
    assertThat(posted.getFirst().toString())
        .isEqualTo(
            "{\"query\":[\"pa\",\"pb\"],\"prompts\":[\"p\",\"p\"],\"labels\":[\"1\",\"2\"]}");
  }

  @Test
  void oneBadRewardFailsAloneAndIsNeverZero() throws IOException {
    startHttp(200, body -> "{\"rewards\": [NaN, 1, null, \"x\"]}");

    ScoreResponse response =
        score(asked("a", "1"), asked("b", "1"), asked("c", "1"), asked("d", "1"));

    assertThat(response.getSampleMaskList()).containsExactly(false, true, false, false);
    assertThat(response.getResults(0).getFailure().getMessage())
        .isEqualTo("component 'judge': remote:far: reward 'NaN' (expected: a finite number)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "200 | {\"rewards\": [1, 2]} | 2 rewards (expected: \"rewards\", a list of 1 numbers)",
        "200 | {\"reward\": 1}       | '{\"reward\": 1}' (expected: \"rewards\"",
        "200 | oops                  | no JSON: 'oops'",
        "404 | nothing here          | status 404: 'nothing here'",
        "500 | broken                | status 500: 'broken'",
        "302 | elsewhere             | status 302: 'elsewhere'",
      })
  void anAnswerThatIsNoneFailsItsItemsByName(int status, String answer, String message)
      throws IOException {
    startHttp(status, body -> answer);

    ItemFailure failure = score(asked("a", "1")).getResults(0).getFailure();

    assertThat(failure.getReason()).isEqualTo(FailureReason.FAILURE_REASON_MODEL_ERROR);
    assertThat(failure.getMessage()).startsWith("component 'judge': remote:far: " + message);
  }

  @Test
  void aServerThatIsAwayIsAFailureAndThenNotAskedForAWhile() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      start("http://127.0.0.1:" + free.getLocalPort() + "/get_reward", Duration.ofSeconds(5));
    }
    for (int i = 0; i < 4; i++) {
      assertThat(score(asked("a", "1")).getResults(0).getFailure().getMessage())
          .isEqualTo("component 'judge': remote:far: no connection");
    }
    assertThat(score(asked("a", "1")).getResults(0).getFailure().getMessage())
        .contains("remote:far: breaker open");
  }

  @Test
  void aRewardServiceThatIsAwayIsToldWithTheKindOfItAndWithoutItsAddress() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      start("127.0.0.1:" + free.getLocalPort(), Duration.ofSeconds(5));
    }
    assertThat(score(asked("a", "1")).getResults(0).getFailure().getMessage())
        .isEqualTo("component 'judge': remote:far: connection refused");
  }

  @Test
  void aServerThatIsLateFailsWithinItsOwnTimeOrTheCallers() throws IOException {
    startHttp(
        200,
        body -> {
          awaitQuietly();
          return "{}";
        });

    ItemFailure own = score(asked("a", "1")).getResults(0).getFailure();
    assertThat(own.getReason()).isEqualTo(FailureReason.FAILURE_REASON_DEADLINE);
    assertThat(own.getMessage())
        .isEqualTo("component 'judge': remote:far: no answer after 2,000 ms");
    ItemFailure callers =
        reward
            .stub()
            .withDeadlineAfter(10, TimeUnit.SECONDS)
            .score(request(asked("a", "1")))
            .getResults(0)
            .getFailure();
    assertThat(callers.getMessage()).contains("no answer");
    assertThat(callers.getReason()).isEqualTo(FailureReason.FAILURE_REASON_DEADLINE);
  }

  @Test
  void anotherRewardServiceIsAskedForWhatIsPinned() throws IOException {
    startGrpc(
        request ->
            ScoreResponse.newBuilder()
                .setModelVersion(version("7".repeat(64)))
                .addResults(ScoreResult.newBuilder().setValue(1.5))
                .addResults(
                    ScoreResult.newBuilder()
                        .setFailure(
                            ItemFailure.newBuilder()
                                .setReason(FailureReason.FAILURE_REASON_TOO_LONG)
                                .setMessage("items[1].completion: 9 tokens")))
                .addResults(ScoreResult.newBuilder().setValue(Double.NaN))
                .addResults(ScoreResult.getDefaultInstance())
                .build());

    ScoreResponse response =
        score(asked("a", "1"), asked("b", "1"), asked("c", "1"), asked("d", "1"));

    assertThat(response.getResults(0).getValue()).isEqualTo(1.5);
    assertThat(response.getResults(0).getComponents(0).getDetail()).isEqualTo("taste/3");
    assertThat(response.getResults(1).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_TOO_LONG);
    assertThat(response.getResults(1).getFailure().getMessage())
        .isEqualTo("component 'judge': remote:far: items[1].completion: 9 tokens");
    assertThat(response.getResults(2).getFailure().getMessage()).contains("value NaN");
    assertThat(response.getResults(3).getFailure().getMessage()).contains("neither value nor");
    ScoreRequest sent = scored.getFirst();
    assertThat(sent.getRewardModel().getModel()).isEqualTo("taste");
    assertThat(sent.getRewardModel().getVersion()).isEqualTo("3");
    assertThat(sent.getItems(0).getReferencesMap()).isEqualTo(Map.of("gold", "1"));
  }

  @Test
  void otherWeightsThanThosePinnedAndTooFewResultsAreFailures() throws IOException {
    startGrpc(
        request ->
            ScoreResponse.newBuilder()
                .setModelVersion(version("8".repeat(64)))
                .addResults(ScoreResult.newBuilder().setValue(1))
                .build());

    assertThat(score(asked("a", "1")).getResults(0).getFailure().getMessage())
        .startsWith("component 'judge': remote:far: taste/3 has weights 8888");
    assertThat(score(asked("a", "1"), asked("b", "1")).getResults(1).getFailure().getMessage())
        .contains("1 results (expected: 2)");
  }

  @Test
  void aPeersRefusalIsTheItems() throws IOException {
    startGrpc(
        request -> {
          throw Status.RESOURCE_EXHAUSTED.withDescription("full").asRuntimeException();
        });

    ItemFailure failure = score(asked("a", "1")).getResults(0).getFailure();

    assertThat(failure.getReason()).isEqualTo(FailureReason.FAILURE_REASON_OVERLOADED);
    assertThat(failure.getMessage()).isEqualTo("component 'judge': remote:far: full");
  }

  /** gRPC has one code for a busy server and for a message that is too large. */
  @Test
  void anAnswerThatIsTooLargeIsNotTakenForABusyServer() throws IOException {
    startGrpc(
        request -> {
          ScoreResponse.Builder answer = ScoreResponse.newBuilder();
          request
              .getItemsList()
              .forEach(each -> answer.addResults(ScoreResult.newBuilder().setItemId(LARGE)));
          return answer.build();
        });

    ItemFailure one = score(asked("a", "1")).getResults(0).getFailure();
    assertThat(one.getReason()).isEqualTo(FailureReason.FAILURE_REASON_MODEL_ERROR);
    assertThat(one.getMessage())
        .startsWith("component 'judge': remote:far: gRPC message exceeds maximum size 16777216: ");
    assertThat(score(asked("a", "1"), asked("b", "1")).getResults(1).getFailure().getMessage())
        .endsWith(" (for 2 items at once: a smaller batch-items may help)");
  }

  @Test
  void aRemoteThatTheOperatorHasNotNamedIsRefused() {
    reward.close();
    reward = TestReward.start(Map.of(), List.of(judge()), Outside.none());

    assertThatThrownBy(() -> score(asked("a", "1")))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
              assertThat(e.getStatus().getDescription())
                  .isEqualTo(
                      "component 'judge': remote 'far' is not known here:"
                          + " ballast.reward.components.remotes.\"far\" says where it is");
            });
  }

  @Test
  void anEncryptedRewardServiceIsAskedOnlyIfItsAuthorityIsBelieved(@TempDir Path folder)
      throws IOException {
    TestAuthority authority = new TestAuthority("judges");
    Path certificate = folder.resolve("judge.pem");
    Path key = folder.resolve("judge.key");
    authority.issue("judge", "ip:127.0.0.1").write(certificate, key);
    Server server =
        serve(
            NettyServerBuilder.forAddress(LOOPBACK)
                .useTransportSecurity(certificate.toFile(), key.toFile()),
            request ->
                ScoreResponse.newBuilder()
                    .setModelVersion(version("7".repeat(64)))
                    .addResults(ScoreResult.newBuilder().setValue(1.5))
                    .build());
    String target = "127.0.0.1:" + server.getPort();

    start(encrypted(target, authority.write(folder.resolve("judges.pem"))));
    assertThat(score(asked("a", "1")).getResults(0).getValue()).isEqualTo(1.5);
    assertThat(scored).hasSize(1);

    start(encrypted(target, new TestAuthority("others").write(folder.resolve("others.pem"))));
    assertThat(score(asked("a", "1")).getResults(0).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_MODEL_ERROR);

    start(target, Duration.ofSeconds(10));
    assertThat(score(asked("a", "1")).getResults(0).hasFailure()).isTrue();
    assertThat(scored).hasSize(1);
  }

  private static RemoteSettings encrypted(String target, Path authorities) {
    return new RemoteSettings(
        target,
        Duration.ofSeconds(10),
        8,
        256,
        Optional.empty(),
        Optional.empty(),
        true,
        Optional.of(authorities));
  }

  private static Composite judge() {
    return composite(
        "there",
        "{'judge': {'kind': 'remote', 'remote': 'far', 'model': 'taste', 'version': '3',"
            + " 'weights_sha256': '"
            + "7".repeat(64)
            + "', 'label': 'gold'}}",
        "'judge'");
  }

  private static ModelVersion version(String sha256) {
    return ModelVersion.newBuilder()
        .setModel("taste")
        .setVersion("3")
        .setWeightsSha256(sha256)
        .build();
  }

  private void startHttp(int status, Function<JsonNode, String> answer) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/get_reward",
        exchange -> {
          JsonNode body = new ObjectMapper().readTree(exchange.getRequestBody());
          posted.add(body);
          byte[] bytes = answer.apply(body).getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(status, bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
    server.start();
    elsewhere = () -> server.stop(0);
    start(
        "http://127.0.0.1:" + server.getAddress().getPort() + "/get_reward", Duration.ofSeconds(2));
  }

  private void startGrpc(Function<ScoreRequest, ScoreResponse> answer) throws IOException {
    Server server = serve(NettyServerBuilder.forAddress(LOOPBACK), answer);
    start("127.0.0.1:" + server.getPort(), Duration.ofSeconds(10));
  }

  private Server serve(NettyServerBuilder builder, Function<ScoreRequest, ScoreResponse> answer)
      throws IOException {
    Server server =
        builder
            .addService(
                new RewardServiceGrpc.RewardServiceImplBase() {
                  @Override
                  public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
                    scored.add(request);
                    try {
                      observer.onNext(answer.apply(request));
                      observer.onCompleted();
                    } catch (StatusRuntimeException e) {
                      observer.onError(e);
                    }
                  }
                })
            .build()
            .start();
    elsewhere = server::shutdownNow;
    return server;
  }

  private void start(String target, Duration timeout) {
    start(
        new RemoteSettings(
            target, timeout, 8, 256, Optional.empty(), Optional.empty(), false, Optional.empty()));
  }

  private void start(RemoteSettings settings) {
    reward.close();
    NamedRemotes remotes =
        new NamedRemotes(
            Map.of("far", settings),
            variable -> null,
            InstantSource.system(),
            System::nanoTime,
            new SimpleMeterRegistry(),
            OpenTelemetry.noop());
    AutoCloseable server = elsewhere;
    elsewhere =
        () -> {
          remotes.close();
          server.close();
        };
    reward =
        TestReward.start(
            Map.of("deadline-reserve", "PT9S"),
            List.of(judge()),
            new Outside(remotes, Outside.NO_TESTS));
  }

  private void awaitQuietly() {
    try {
      never.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private ScoreResponse score(ScoreItem... items) {
    return reward.stub().score(request(items));
  }

  private static ScoreRequest request(ScoreItem... items) {
    return ScoreRequest.newBuilder()
        .setRewardModel(ModelSelector.newBuilder().setModel("there"))
        .addAllItems(List.of(items))
        .build();
  }

  private static ScoreItem asked(String completion, String gold) {
    return item("", "p", completion).toBuilder().putReferences("gold", gold).build();
  }
}
