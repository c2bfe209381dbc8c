package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.ballast.inference.scoring.Content;
import io.ballast.inference.scoring.OnBehalf;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.reward.component.Candidate;
import io.ballast.reward.component.Judging;
import io.ballast.reward.component.Outside;
import io.ballast.reward.component.RecipeReader;
import io.ballast.reward.component.RemoteComponent;
import io.ballast.reward.component.RemoteReward.Question;
import io.ballast.reward.component.RemoteSettings;
import io.ballast.reward.component.Tools;
import io.ballast.reward.core.AggregationChoice;
import io.ballast.reward.core.ComponentOutcome;
import io.ballast.reward.core.RewardScorer;
import io.ballast.reward.core.ScoreAnswer;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoreItem;
import io.ballast.reward.testing.Composites;
import io.ballast.testing.HeardLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A server that gives rewards over HTTP is asked while somebody waits, and left alone when it asks.
 */
class HttpRewardTest {
  private static final RemoteComponent COMPONENT = new RemoteComponent("far", "", "", "", "");
  private static final Instant NOW = Instant.parse("2026-11-27T12:00:00Z");

  private final AtomicInteger asked = new AtomicInteger();
  private final AtomicLong nanos = new AtomicLong();
  private final AtomicBoolean over = new AtomicBoolean();
  private final List<HttpReward> open = new ArrayList<>();
  private HttpServer server;

  /** The caller leaves with so many portions. */
  private int overAfter = Integer.MAX_VALUE;

  private Answer answer = new Answer(200, "{\"rewards\": [1]}", Optional.empty());

  private record Answer(int status, String body, Optional<String> retryAfter) {}

  private final CallPatience patience =
      new CallPatience() {
        @Override
        public Optional<Duration> remaining() {
          return over.get() ? Optional.of(Duration.ZERO) : Optional.empty();
        }

        @Override
        public boolean cancelled() {
          return over.get();
        }

        @Override
        public void onCancel(Runnable action) {}
      };

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          if (asked.incrementAndGet() == overAfter) {
            over.set(true);
          }
          answer
              .retryAfter()
              .ifPresent(each -> exchange.getResponseHeaders().set("Retry-After", each));
          byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(answer.status(), body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    open.forEach(HttpReward::close);
    server.stop(0);
  }

  private HttpReward reward(Optional<String> token) {
    RemoteSettings settings =
        new RemoteSettings(
            "http://127.0.0.1:" + server.getAddress().getPort(),
            Duration.ofSeconds(10),
            1,
            1,
            Optional.empty(),
            Optional.empty(),
            false,
            Optional.empty());
    InstantSource clock = () -> NOW;
    HttpReward reward =
        new HttpReward(
            settings,
            token,
            new PeerGuard(
                "remote:far", settings.peer(), clock, nanos::get, new SimpleMeterRegistry()),
            new Backoff(clock, nanos::get));
    open.add(reward);
    return reward;
  }

  private List<ComponentOutcome> ask(HttpReward reward, int questions) {
    RewardScorer none =
        new RewardScorer() {
          @Override
          public ScoreAnswer score(ScoreCommand command, CallPatience waiting) {
            throw new AssertionError("no ensemble is asked");
          }

          @Override
          public int maxItems() {
            return 1;
          }
        };
    ScoreItem item =
        new ScoreItem("", "items[0]", new Content.Text("p"), new Content.Text("c"), Map.of());
    return reward.ask(
        IntStream.range(0, questions)
            .mapToObj(i -> new Question(new Candidate(item, 100), "p", "c"))
            .toList(),
        COMPONENT,
        new Judging(
            new ScoreCommand(
                new OnBehalf("acme", false),
                Lane.INTERACTIVE,
                VersionSelector.version("it", "1"),
                AggregationChoice.unspecified(),
                Truncation.REFUSE,
                false,
                List.of(item)),
            RecipeReader.read(
                Composites.json("{'it': {'kind': 'remote', 'remote': 'far'}}", "'it'")),
            patience,
            new Tools(none, (ensemble, text, waiting) -> 1, Outside.none())));
  }

  private static ItemFault fault(ComponentOutcome outcome) {
    return ((ComponentOutcome.Failed) outcome).fault();
  }

  @Test
  void portionsThatNobodyWaitsForAreNotAsked() {
    overAfter = 2;

    List<ComponentOutcome> outcomes = ask(reward(Optional.empty()), 4);

    assertThat(asked).hasValue(2);
    assertThat(outcomes.subList(0, 2)).containsOnly(new ComponentOutcome.Value(1, ""));
    assertThat(outcomes.subList(2, 4))
        .containsOnly(
            new ComponentOutcome.Failed(
                new ItemFault(
                    ItemFault.Reason.DEADLINE,
                    "remote:far: not asked, the time was over before its turn")));
  }

  @ParameterizedTest
  @CsvSource({
    "429, 30, 30000",
    "429, 'Fri, 27 Nov 2026 12:00:05 GMT', 5000",
    "503, 2, 2000",
    "429, 999999999, 60000"
  })
  void aServerIsLeftAloneForAsLongAsItWants(int status, String wanted, long millis) {
    HttpReward reward = reward(Optional.empty());
    answer = new Answer(status, "busy", Optional.of(wanted));

    assertThat(fault(ask(reward, 1).getFirst()).message())
        .isEqualTo("remote:far: status %d: 'busy'".formatted(status));
    nanos.addAndGet((millis - 1) * 1_000_000);
    assertThat(ask(reward, 1).getFirst())
        .isEqualTo(
            new ComponentOutcome.Failed(
                new ItemFault(
                    ItemFault.Reason.OVERLOADED,
                    "remote:far: not asked, it wants to be left alone for another 1 ms")));
    assertThat(asked).hasValue(1);
    nanos.addAndGet(1_000_000);
    answer = new Answer(200, "{\"rewards\": [7]}", Optional.empty());
    assertThat(ask(reward, 1)).containsExactly(new ComponentOutcome.Value(7, ""));
  }

  @ParameterizedTest
  @CsvSource({"429, soon", "429, -5", "200, 30"})
  void whatIsNoHintIsNone(int status, String wanted) {
    HttpReward reward = reward(Optional.empty());
    answer = new Answer(status, "{\"rewards\": [1]}", Optional.of(wanted));

    ask(reward, 1);
    ask(reward, 1);

    assertThat(asked).hasValue(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "400 | oops | MODEL_ERROR | status 400: 'oops'",
        "401 | oops | MODEL_ERROR | status 401: 'oops' (expected: 200; it refuses who asks: see token-file",
        "404 | oops | MODEL_ERROR | status 404: 'oops'",
        "408 | oops | DEADLINE    | status 408: 'oops'",
        "413 | oops | TOO_LONG    | status 413: 'oops'",
        "429 | oops | OVERLOADED  | status 429: 'oops'",
        "500 | oops | MODEL_ERROR | status 500: 'oops'",
        "504 | oops | DEADLINE    | status 504: 'oops'",
        "200 | {\"rewards\": [1], \"rewards\": [2]} | MODEL_ERROR | no JSON: '{\"rewards\"",
        "200 | {\"rewards\": [1]} {} | MODEL_ERROR | no JSON: '{\"rewards\"",
        "200 | {\"rewards\": [[1]]} | MODEL_ERROR | reward '[1]' (expected: a finite number)",
        "200 | {\"rewards\": [1e999]} | MODEL_ERROR | reward 'Infinity' (expected: a finite number)",
        "200 | {\"rewards\": {\"0\": 1}} | MODEL_ERROR | '{\"rewards\"",
        "200 | null | MODEL_ERROR | 'null' (expected: \"rewards\"",
        "200 | `` | MODEL_ERROR | '' (expected: \"rewards\""
      })
  void everyOtherAnswerIsAFailureOfItsKind(
      int status, String body, ItemFault.Reason reason, String message) {
    answer = new Answer(status, body, Optional.empty());

    ItemFault fault = fault(ask(reward(Optional.empty()), 1).getFirst());

    assertThat(fault.reason()).isEqualTo(reason);
    assertThat(fault.message()).startsWith("remote:far: " + message);
  }

  @Test
  void anAnswerWithoutEndIsCut() {
    answer = new Answer(200, " ".repeat((16 << 20) + 1), Optional.empty());

    ItemFault fault = fault(ask(reward(Optional.empty()), 1).getFirst());

    assertThat(fault.reason()).isEqualTo(ItemFault.Reason.MODEL_ERROR);
    assertThat(fault.message())
        .isEqualTo("remote:far: an answer of more than 16,777,216 bytes, the limit");
  }

  @Test
  void whereAServerThatIsAwayStandsIsForTheLogAlone() {
    String address = "127.0.0.1:" + server.getAddress().getPort();
    server.stop(0);
    try (HeardLog log = HeardLog.of(HttpReward.class.getName(), Level.ALL)) {
      ItemFault fault = fault(ask(reward(Optional.empty()), 1).getFirst());

      assertThat(fault.message()).isEqualTo("remote:far: no connection");
      assertThat(log.messages())
          .singleElement()
          .asString()
          .startsWith("remote:far at " + address + ": java.net.ConnectException");
    }
  }

  @Test
  void anAnswerThatIsNestedTooDeeplyIsNone() {
    answer = new Answer(200, "[".repeat(100_000), Optional.empty());

    assertThat(fault(ask(reward(Optional.empty()), 1).getFirst()).message())
        .startsWith("remote:far: no JSON: '[[[");
  }

  /** What no header takes is refused at the start; if it were not, no place would be lost. */
  @Test
  void aPlaceIsFreeAgainWhateverWasThrown() {
    HttpReward reward = reward(Optional.of("two\nlines"));

    for (int i = 0; i < 3; i++) { // it has one place
      assertThatThrownBy(() -> ask(reward, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("invalid header value");
    }
  }
}
