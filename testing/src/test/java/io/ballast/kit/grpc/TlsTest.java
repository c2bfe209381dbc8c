package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.CertificateHolder;
import io.ballast.kit.security.ClientTls;
import io.ballast.kit.security.ConnectionLimits;
import io.ballast.kit.security.EdgeSecurity;
import io.ballast.kit.security.Identities;
import io.ballast.kit.security.IdentitySettings;
import io.ballast.kit.security.Principal.Proof;
import io.ballast.kit.security.RateLimits;
import io.ballast.kit.security.Right;
import io.ballast.kit.security.TlsIdentity;
import io.ballast.kit.security.TlsSettings;
import io.ballast.kit.security.TlsSettings.ClientCertificates;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.ballast.testing.Await;
import io.ballast.testing.TestAuthority;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers and peers prove themselves to each other by certificates, over real sockets. */
class TlsTest {
  private static final Duration NEVER = Duration.ofDays(1);
  private static final ClientTls.Names NAMES = new ClientTls.Names("--ca", "--cert", "--key");
  private static final Map<String, CertificateHolder> APPLICATION =
      Map.of("app", new CertificateHolder(Optional.of("a"), Set.of(Right.APPLICATION)));

  @TempDir private Path folder;
  private final Instant now = InstantSource.system().instant();
  private final TestAuthority authority = new TestAuthority("mesh authority");
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  /** Writes the files of one server, whose certificate has {@code names}. */
  private TlsSettings files(String server, ClientCertificates clients, String... names) {
    authority.write(file("ca.pem"));
    authority.issue(server, names).write(file(server + ".pem"), file(server + ".key"));
    return new TlsSettings(
        file(server + ".pem"), file(server + ".key"), Optional.of(file("ca.pem")), clients, NEVER);
  }

  private TlsIdentity identity(TlsSettings settings) {
    TlsIdentity identity = TlsIdentity.open(settings, () -> now);
    open.add(identity);
    return identity;
  }

  private SecuredServer serve(TlsIdentity tls, Map<String, CertificateHolder> holders) {
    return serve(tls, holders, InstantSource.system(), ConnectionLimits.usual());
  }

  private SecuredServer serve(
      TlsIdentity tls,
      Map<String, CertificateHolder> holders,
      InstantSource clock,
      ConnectionLimits limits) {
    SecuredServer server =
        new SecuredServer(
            new EdgeSecurity(
                Identities.of(
                    new IdentitySettings(Optional.empty(), holders, Optional.empty(), "secret"),
                    Optional.of(tls),
                    clock),
                RateLimits.none(),
                limits,
                Optional.of(tls)));
    open.add(server);
    return server;
  }

  private PeerChannel peer(SecuredServer server, String host, TlsIdentity tls) {
    PeerChannel channel = server.peer(host, Optional.empty(), Optional.of(tls.forPeers()));
    open.add(channel);
    return channel;
  }

  private ManagedChannel client(SecuredServer server, String host, ClientTls tls) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(host, server.server().port())
            .sslContext(tls.context(NAMES))
            .build();
    open.add(channel::shutdownNow);
    return channel;
  }

  private static ScoreResponse score(ManagedChannel channel) {
    return RewardServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(10, TimeUnit.SECONDS)
        .score(ScoreRequest.getDefaultInstance());
  }

  @Test
  void aPeerProvesItselfAndHasTheServerProveTheNameThatItIsCalledBy() {
    SecuredServer server =
        serve(
            identity(files("reward", ClientCertificates.REQUIRE, "localhost")),
            Map.of("policy-server", new CertificateHolder(Optional.empty(), Set.of(Right.PEER))));
    TlsIdentity policy = identity(files("policy", ClientCertificates.REQUIRE, "policy-server"));

    assertThat(SecuredServer.score(peer(server, "localhost", policy)))
        .isEqualTo(ScoreResponse.getDefaultInstance());

    assertThat(server.principal.get())
        .hasValueSatisfying(
            principal -> {
              assertThat(principal.name()).isEqualTo("policy-server");
              assertThat(principal.proof()).isEqualTo(Proof.CERTIFICATE);
            });
    PeerChannel byAnotherName = peer(server, "127.0.0.1", policy);
    assertThatThrownBy(() -> SecuredServer.score(byAnotherName))
        .hasMessageStartingWith("UNAVAILABLE");
  }

  @Test
  void theSameCertificateIsBelievedByWhateverNameItIsCalled() {
    TlsIdentity shared = identity(files("mesh", ClientCertificates.REQUIRE, "somewhere.example"));
    SecuredServer server = serve(shared, Map.of());

    assertThat(SecuredServer.score(peer(server, "127.0.0.1", shared)))
        .isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(server.principal.get().orElseThrow().rights()).containsExactly(Right.PEER);
  }

  @Test
  void whoShowsNoCertificateOrAnotherAuthoritysIsNotConnected() {
    SecuredServer server =
        serve(identity(files("reward", ClientCertificates.REQUIRE, "localhost")), Map.of());
    TestAuthority other = new TestAuthority("another");
    other.issue("policy-server").write(file("other.pem"), file("other.key"));

    ManagedChannel nothing =
        client(server, "localhost", new ClientTls(Optional.of(file("ca.pem")), Optional.empty()));
    ManagedChannel foreign =
        client(
            server,
            "localhost",
            new ClientTls(
                Optional.of(file("ca.pem")),
                Optional.of(new ClientTls.Identity(file("other.pem"), file("other.key")))));

    assertThatThrownBy(() -> score(nothing)).hasMessageStartingWith("UNAVAILABLE");
    assertThatThrownBy(() -> score(foreign)).hasMessageStartingWith("UNAVAILABLE");
    assertThat(server.asked).hasNullValue();
  }

  @Test
  void aCertificateThatNobodyIsKnownByIsToldSo() {
    SecuredServer server =
        serve(
            identity(files("reward", ClientCertificates.OPTIONAL, "localhost")),
            Map.of("app", new CertificateHolder(Optional.of("a"), Set.of(Right.APPLICATION))));
    authority.issue("stranger", "spiffe://mesh/stranger").write(file("s.pem"), file("s.key"));
    authority.issue("app").write(file("app.pem"), file("app.key"));
    Optional<Path> ca = Optional.of(file("ca.pem"));

    assertThatThrownBy(
            () -> score(client(server, "localhost", new ClientTls(ca, Optional.empty()))))
        .hasMessageStartingWith("UNAUTHENTICATED");
    assertThatThrownBy(
            () ->
                score(
                    client(
                        server,
                        "localhost",
                        new ClientTls(
                            ca,
                            Optional.of(new ClientTls.Identity(file("s.pem"), file("s.key")))))))
        .hasMessage(
            "UNAUTHENTICATED: the certificate is good, but its names are nobody's here:"
                + " spiffe://mesh/stranger");
    assertThat(
            score(
                client(
                    server,
                    "localhost",
                    new ClientTls(
                        ca,
                        Optional.of(new ClientTls.Identity(file("app.pem"), file("app.key")))))))
        .isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(server.asked.get().tenant()).isEqualTo("a");
  }

  @Test
  void longRequestsOfStrangersTakeNoPlaceOfLaterOnes() {
    int atOnce = 3;
    TlsSettings settings = files("reward", ClientCertificates.OPTIONAL, "localhost");
    SecuredServer server =
        serve(
            identity(settings),
            APPLICATION,
            InstantSource.system(),
            new ConnectionLimits(
                16,
                16,
                16 << 10,
                atOnce,
                20_000,
                Duration.ofSeconds(20),
                Optional.empty(),
                Duration.ofMinutes(10)));
    ManagedChannel stranger =
        client(server, "localhost", new ClientTls(settings.trust(), Optional.empty()));
    ScoreRequest request =
        ScoreRequest.newBuilder()
            .setRewardModel(ModelSelector.newBuilder().setModel("m".repeat(4 << 20)))
            .build();

    List<Future<ScoreResponse>> refused = new ArrayList<>();
    for (int i = 0; i < 2 * atOnce; i++) { // handed over whole before there is a connection
      refused.add(RewardServiceGrpc.newFutureStub(stranger).score(request));
    }

    assertThat(refused)
        .allSatisfy(
            each ->
                assertThat(each)
                    .failsWithin(Duration.ofSeconds(20))
                    .withThrowableOfType(ExecutionException.class)
                    .withMessageContaining("UNAUTHENTICATED"));
  }

  @Test
  void newFilesServeTheNextConnectionsAndWrongOnesChangeNothing() throws IOException {
    TlsSettings settings = files("reward", ClientCertificates.NONE, "localhost");
    TlsIdentity tls = identity(settings);
    SecuredServer server =
        new SecuredServer(
            new EdgeSecurity(
                Identities.open(), RateLimits.none(), ConnectionLimits.usual(), Optional.of(tls)));
    open.add(server);
    ClientTls before = new ClientTls(settings.trust(), Optional.empty());
    assertThat(score(client(server, "localhost", before)))
        .isEqualTo(ScoreResponse.getDefaultInstance());
    var first = tls.certificate();

    Files.writeString(settings.key(), "no key");
    tls.reload();
    assertThat(tls.certificate()).isEqualTo(first);

    TestAuthority next = new TestAuthority("next authority");
    next.issue("reward", "localhost").write(settings.certificate(), settings.key());
    next.write(file("next.pem"));
    tls.reload();

    assertThat(tls.certificate()).isNotEqualTo(first);
    assertThat(
            score(
                client(
                    server,
                    "localhost",
                    new ClientTls(Optional.of(file("next.pem")), Optional.empty()))))
        .isEqualTo(ScoreResponse.getDefaultInstance());
    ManagedChannel trustsTheOld = client(server, "localhost", before);
    assertThatThrownBy(() -> score(trustsTheOld)).hasMessageStartingWith("UNAVAILABLE");
  }

  @Test
  void aNewCertificateEndsNoConnectionOfTheOneBefore() {
    TlsSettings settings = files("mesh", ClientCertificates.REQUIRE, "somewhere.example");
    TlsIdentity shared = identity(settings);
    SecuredServer server = serve(shared, Map.of());
    PeerChannel connected = peer(server, "127.0.0.1", shared);
    SecuredServer.score(connected);
    var first = shared.certificate();

    authority.issue("mesh", "somewhere.example").write(settings.certificate(), settings.key());
    shared.reload();

    assertThat(shared.certificate()).isNotEqualTo(first);
    assertThat(SecuredServer.score(connected)).isEqualTo(ScoreResponse.getDefaultInstance());
    assertThat(SecuredServer.score(peer(server, "127.0.0.1", shared)))
        .isEqualTo(ScoreResponse.getDefaultInstance());
    // whoever still has its key later is no server of this mesh any more
    assertThat(shared.isOwn(first, now.plus(NEVER).minusMillis(1))).isTrue();
    assertThat(shared.isOwn(first, now.plus(NEVER))).isFalse();
    assertThat(shared.isOwn(shared.certificate(), now.plus(NEVER))).isTrue();
  }

  @Test
  void aStreamEndsWithItsCallersCertificateAndTheConnectionBehindIt() throws Exception {
    AtomicReference<Instant> clock = new AtomicReference<>(TestAuthority.UNTIL.minusMillis(1));
    TlsSettings settings = files("reward", ClientCertificates.REQUIRE, "localhost");
    SecuredServer server =
        serve(identity(settings), APPLICATION, clock::get, ConnectionLimits.usual());
    ManagedChannel app = application(server, settings);
    HeardStream<ScoreStreamResponse> heard = new HeardStream<>();
    StreamObserver<ScoreStreamRequest> requests = RewardServiceGrpc.newStub(app).scoreStream(heard);
    requests.onNext(ScoreStreamRequest.getDefaultInstance());
    assertThat(heard.answered()).as("while it is good").isTrue();

    clock.set(TestAuthority.UNTIL);

    assertThat(heard.end().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(heard.end().getDescription())
        .isEqualTo(
            "the certificate has expired, it was good until 2120-01-01T00:00:00Z; open the stream"
                + " again with a new one");
    Await.until(() -> connections(server) == 0);
    assertThat(score(app)).as("over a new one").isEqualTo(ScoreResponse.getDefaultInstance());
    Await.until(() -> connections(server) == 0);
  }

  private ManagedChannel application(SecuredServer server, TlsSettings settings) {
    authority.issue("app").write(file("app.pem"), file("app.key"));
    return client(
        server,
        "localhost",
        new ClientTls(
            settings.trust(),
            Optional.of(new ClientTls.Identity(file("app.pem"), file("app.key")))));
  }

  @Test
  void aCallOverAConnectionWhoseCertificateHasExpiredHasTheGraceOfConnections() throws Exception {
    AtomicReference<Instant> clock = new AtomicReference<>(TestAuthority.UNTIL.minusMillis(1));
    TlsSettings settings = files("reward", ClientCertificates.REQUIRE, "localhost");
    ConnectionLimits shortGrace =
        new ConnectionLimits(
            16,
            16,
            16 << 10,
            8,
            20_000,
            Duration.ofSeconds(20),
            Optional.empty(),
            Duration.ofMillis(1));
    SecuredServer server = serve(identity(settings), APPLICATION, clock::get, shortGrace);
    ManagedChannel app = application(server, settings);
    CountDownLatch scoring = new CountDownLatch(1);
    CompletableFuture<Void> mayScore = new CompletableFuture<>();
    server.work =
        () -> {
          scoring.countDown();
          mayScore.join();
        };
    try {
      var answer = RewardServiceGrpc.newFutureStub(app).score(ScoreRequest.getDefaultInstance());
      scoring.await();
      clock.set(TestAuthority.UNTIL);
      var next = RewardServiceGrpc.newFutureStub(app).score(ScoreRequest.getDefaultInstance());

      assertUnavailable(answer);
      assertUnavailable(next);
    } finally {
      mayScore.complete(null);
    }
  }

  /** Of its own accord a connection would be closed after 30 s. */
  private static void assertUnavailable(Future<ScoreResponse> answer) {
    assertThat(answer)
        .failsWithin(Duration.ofSeconds(25))
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("UNAVAILABLE");
  }

  private static double connections(SecuredServer server) {
    return server.meters.get("ballast.connections.open").gauge().value();
  }

  @Test
  void headersBeyondTheLimitReachNoService() {
    SecuredServer server =
        new SecuredServer(
            new EdgeSecurity(
                Identities.open(),
                RateLimits.none(),
                new ConnectionLimits(
                    16,
                    16,
                    2_048,
                    8,
                    20_000,
                    Duration.ofSeconds(20),
                    Optional.empty(),
                    Duration.ofMinutes(10)),
                Optional.empty()));
    open.add(server);
    PeerChannel fits = server.peer("localhost", Optional.of("t".repeat(1_000)), Optional.empty());
    PeerChannel over = server.peer("localhost", Optional.of("t".repeat(3_000)), Optional.empty());
    open.add(fits);
    open.add(over);

    assertThatThrownBy(() -> SecuredServer.score(over)) // the client knows the server's limit
        .isInstanceOf(StatusRuntimeException.class);
    assertThat(server.asked).hasNullValue();
    assertThat(SecuredServer.score(fits)).isEqualTo(ScoreResponse.getDefaultInstance());
  }

  @Test
  void filesThatCannotBeUsedAreNamedAndNotShown() throws IOException {
    TlsSettings good = files("reward", ClientCertificates.NONE, "localhost");
    authority.issue("other").write(file("other.pem"), file("other.key"));
    Files.writeString(
        file("text"), "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");

    assertThatThrownBy(() -> TlsIdentity.open(with(good, file("absent"), good.key())))
        .isInstanceOf(MeshException.class)
        .hasMessage(
            "ballast.tls.certificate: %s: not there (expected: certificates as PEM)"
                .formatted(file("absent")));
    assertThatThrownBy(() -> TlsIdentity.open(with(good, file("text"), good.key())))
        .hasMessageStartingWith("ballast.tls.certificate: " + file("text"));
    assertThatThrownBy(() -> TlsIdentity.open(with(good, good.certificate(), file("text"))))
        .hasMessageStartingWith("ballast.tls.key: " + file("text"))
        .hasMessageNotContaining("c2VjcmV0");
    assertThatThrownBy(() -> TlsIdentity.open(with(good, good.certificate(), file("other.key"))))
        .hasMessage(
            "ballast.tls.key: %s: another key (expected: the key of the certificate)"
                .formatted(file("other.key")));
  }

  private static TlsSettings with(TlsSettings settings, Path certificate, Path key) {
    return new TlsSettings(
        certificate, key, settings.trust(), settings.clients(), settings.reloadInterval());
  }
}
