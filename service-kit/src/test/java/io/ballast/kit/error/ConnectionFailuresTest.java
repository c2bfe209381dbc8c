package io.ballast.kit.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.UnresolvedAddressException;
import java.util.concurrent.CancellationException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;

/** A caller is told the kind of a connection's failure, never where the peer stands. */
class ConnectionFailuresTest {
  private static Throwable caused(Throwable failure, Throwable cause) {
    return failure.initCause(cause);
  }

  @Test
  void theKindIsThatOfWhatBeganIt() {
    assertThat(ConnectionFailures.kind(new IOException("outer", new UnknownHostException("a.b"))))
        .contains("its host is not known");
    assertThat(ConnectionFailures.kind(new IOException("outer", new EOFException())))
        .contains("connection broken off");
    assertThat(
            ConnectionFailures.kind(
                caused(
                    new HttpConnectTimeoutException("/10.0.3.7:9100"),
                    new ConnectException("HTTP connect timed out"))))
        .contains("connection timed out");
    assertThat(ConnectionFailures.kind(new IOException("/10.0.3.7:9100"))).isEmpty();
  }

  @Test
  void whatIsNoConnectionsIsToldByItsKindAlone() {
    assertThat(ConnectionFailures.words(new IOException("/10.0.3.7:9100")))
        .isEqualTo("connection broken off");
    assertThat(ConnectionFailures.words(new CancellationException("/10.0.3.7:9100")))
        .isEqualTo("CancellationException");
    assertThat(ConnectionFailures.words(new ConnectException("Connection refused")))
        .isEqualTo("connection refused");
  }

  @Test
  void onlyWhatWasConnectedIsBrokenOff() {
    assertThat(ConnectionFailures.isBrokenOff(new SocketException("Connection reset"))).isTrue();
    assertThat(ConnectionFailures.isBrokenOff(new ClosedChannelException())).isTrue();
    assertThat(ConnectionFailures.isBrokenOff(new ConnectException("Connection refused")))
        .isFalse();
    assertThat(ConnectionFailures.isBrokenOff(new SSLHandshakeException("bad certificate")))
        .isFalse();
    assertThat(ConnectionFailures.isBrokenOff(new IllegalStateException("no call"))).isFalse();
  }

  @Test
  void whatJavaClosesWhenItIsRefusedWasNeverConnected() {
    assertThat(
            ConnectionFailures.kind(caused(new ConnectException(), new ClosedChannelException())))
        .contains("no connection");
    assertThat(
            ConnectionFailures.kind(
                caused(new ConnectException(), new UnresolvedAddressException())))
        .contains("its host is not known");
    assertThat(ConnectionFailures.kind(new ClosedChannelException()))
        .contains("connection broken off");
  }
}
