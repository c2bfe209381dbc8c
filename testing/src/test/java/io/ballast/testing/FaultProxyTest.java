package io.ballast.testing;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.testing.FaultProxy.Cut;
import io.ballast.testing.FaultProxy.Down;
import io.ballast.testing.FaultProxy.Latency;
import io.ballast.testing.FaultProxy.Silence;
import io.ballast.testing.FaultProxy.Stall;
import io.ballast.testing.FaultProxy.Trickle;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What each toxic does to one who talks to an echo. */
@Timeout(30)
class FaultProxyTest {
  private ServerSocket echo;
  private FaultProxy proxy;

  @BeforeEach
  void start() throws IOException {
    echo = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::serve);
    proxy = FaultProxy.to(echo.getLocalPort(), 7);
  }

  @AfterEach
  void stop() throws IOException {
    proxy.close();
    echo.close();
  }

  private void serve() {
    while (!echo.isClosed()) {
      try {
        Socket socket = echo.accept();
        Thread.ofVirtual().start(() -> echo(socket));
      } catch (IOException e) {
        return; // the test is over
      }
    }
  }

  private static void echo(Socket socket) {
    try (socket) {
      socket.getInputStream().transferTo(socket.getOutputStream());
    } catch (IOException e) {
      // what is tested does such things
    }
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
    socket.setSoTimeout(10_000);
    return socket;
  }

  private static void say(Socket socket, String words) throws IOException {
    socket.getOutputStream().write(words.getBytes(US_ASCII));
  }

  private static String hear(Socket socket, int count) throws IOException {
    return new String(socket.getInputStream().readNBytes(count), US_ASCII);
  }

  private static String ask(Socket socket, String words) throws IOException {
    say(socket, words);
    return hear(socket, words.length());
  }

  private static void assertSilent(Socket socket) throws IOException {
    socket.setSoTimeout(50);
    assertThatThrownBy(() -> hear(socket, 1)).isInstanceOf(SocketTimeoutException.class);
    socket.setSoTimeout(10_000);
  }

  @Test
  void withoutAToxicAllPassesAndItsEndToo() throws IOException {
    try (Socket socket = connect()) {
      assertThat(ask(socket, "hello")).isEqualTo("hello");
      socket.shutdownOutput();
      assertThat(socket.getInputStream().read()).isEqualTo(-1);
    }
    assertThat(proxy.connections()).isEqualTo(1);
  }

  @Test
  void latencyIsOfEachWay() throws IOException {
    try (Socket socket = connect()) {
      proxy.apply(new Latency(Duration.ofMillis(60), Duration.ofMillis(10)));
      long begin = System.nanoTime();
      assertThat(ask(socket, "hello")).isEqualTo("hello");
      assertThat(Duration.ofNanos(System.nanoTime() - begin))
          .isBetween(Duration.ofMillis(100), Duration.ofSeconds(5));
    }
  }

  @Test
  void whatLostBytesInSilenceIsResetAfterItAndNewConnectionsAreServed() throws IOException {
    try (Socket talked = connect();
        Socket still = connect()) {
      assertThat(ask(still, "before")).isEqualTo("before");
      proxy.apply(new Silence());
      say(talked, "hello");
      assertSilent(talked);
      try (Socket begun = connect()) {
        say(begun, "hello");
        assertSilent(begun);
      }
      proxy.heal();
      assertThatThrownBy(() -> hear(talked, 1)).isInstanceOf(SocketException.class);
      assertThat(ask(still, "after")).isEqualTo("after");
    }
    try (Socket next = connect()) {
      assertThat(ask(next, "hello")).isEqualTo("hello");
    }
  }

  @Test
  void whatStalledIsDeliveredAfterIt() throws IOException {
    try (Socket socket = connect()) {
      proxy.apply(new Stall());
      say(socket, "hello");
      assertSilent(socket);
      proxy.heal();
      assertThat(hear(socket, 5)).isEqualTo("hello");
    }
  }

  @Test
  void anOrphanIsSilentForEverAndNewConnectionsAreServed() throws IOException {
    try (Socket socket = connect()) {
      assertThat(ask(socket, "before")).isEqualTo("before");
      proxy.orphan();
      proxy.heal();
      say(socket, "hello");
      assertSilent(socket);
    }
    try (Socket next = connect()) {
      assertThat(ask(next, "hello")).isEqualTo("hello");
    }
  }

  @Test
  void aTrickleIsSoManyBytesASecond() throws IOException {
    try (Socket socket = connect()) {
      proxy.apply(new Trickle(100));
      long begin = System.nanoTime();
      assertThat(ask(socket, "0123456789")).isEqualTo("0123456789");
      assertThat(Duration.ofNanos(System.nanoTime() - begin))
          .isBetween(Duration.ofMillis(100), Duration.ofSeconds(5));
      say(socket, "and the rest comes at once when it is over: ".repeat(100));
      proxy.heal();
      assertThat(hear(socket, 4_400)).endsWith("over: ");
    }
  }

  @Test
  void aCutIsInTheMidstOfAnAnswer() throws IOException {
    try (Socket socket = connect()) {
      proxy.apply(new Cut(3));
      say(socket, "hello");
      assertThatThrownBy(() -> hear(socket, 5)).isInstanceOf(SocketException.class);
    }
    try (Socket next = connect()) {
      assertThat(ask(next, "abc")).as("each connection has its own").isEqualTo("abc");
    }
  }

  @Test
  void itCountsWhatMetTheToxicThatThereIs() throws IOException {
    try (Socket socket = connect()) {
      assertThat(ask(socket, "hello")).isEqualTo("hello");
      assertThat(proxy.hits()).as("without a toxic").isZero();
      proxy.apply(new Latency(Duration.ofMillis(1), Duration.ZERO));
      assertThat(ask(socket, "hello")).isEqualTo("hello");
      assertThat(proxy.hits()).as("there and back").isGreaterThanOrEqualTo(2);
      proxy.apply(new Cut(5));
      assertThat(ask(socket, "hello")).isEqualTo("hello");
      assertThat(proxy.hits()).as("nothing is cut yet").isZero();
      say(socket, "!");
      assertThatThrownBy(() -> hear(socket, 1)).isInstanceOf(SocketException.class);
      assertThat(proxy.hits()).isEqualTo(1);
    }
  }

  @Test
  void aResetEndsWhatIsOpenOnly() throws IOException {
    try (Socket socket = connect()) {
      assertThat(ask(socket, "before")).isEqualTo("before");
      proxy.reset();
      assertThatThrownBy(() -> hear(socket, 1)).isInstanceOf(SocketException.class);
    }
    try (Socket next = connect()) {
      assertThat(ask(next, "hello")).isEqualTo("hello");
    }
  }

  @Test
  void whatIsDownRefusesAndListensAtTheSamePortAfterwards() throws IOException {
    try (Socket socket = connect()) {
      assertThat(ask(socket, "before")).isEqualTo("before");
      proxy.apply(new Down());
      assertThatThrownBy(() -> hear(socket, 1)).isInstanceOf(SocketException.class);
      assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
      proxy.heal();
    }
    try (Socket next = connect()) {
      assertThat(ask(next, "hello")).isEqualTo("hello");
    }
  }
}
