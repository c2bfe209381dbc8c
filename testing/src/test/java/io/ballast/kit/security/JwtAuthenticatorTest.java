package io.ballast.kit.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.Principal.Proof;
import io.ballast.testing.Await;
import io.ballast.testing.TestIssuer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which tokens of an identity provider are believed, and who they say it is. */
class JwtAuthenticatorTest {
  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final Instant LATER = NOW.plusSeconds(60);

  /** More than a test shows by the way. */
  private static final int FAILURES = 100;

  @TempDir private Path folder;
  private final TestIssuer issuer = new TestIssuer("k1");
  private Path keys = Path.of("");
  private Identities identities = Identities.open();

  @BeforeEach
  void open() {
    keys = issuer.write(folder.resolve("keys.json"));
    identities = identities(settings(keys.toString(), "roles"));
  }

  @AfterEach
  void close() {
    identities.close();
  }

  private static JwtSettings settings(String keys, String rightsClaim) {
    return new JwtSettings(
        TestIssuer.ISSUER,
        TestIssuer.AUDIENCE,
        keys,
        Duration.ofDays(1),
        Duration.ofSeconds(30),
        "sub",
        "tenant",
        rightsClaim,
        Map.of("application", Right.APPLICATION, "mesh-admins", Right.OPERATOR),
        FAILURES);
  }

  private static Identities identities(JwtSettings settings) {
    return Identities.of(
        new IdentitySettings(Optional.of("s3cret"), Map.of(), Optional.of(settings), "own"),
        Optional.empty(),
        () -> NOW);
  }

  private static JWTClaimsSet.Builder claims() {
    return TestIssuer.claims("alice", "a", LATER, "application", "something-else");
  }

  private Principal known(String token) {
    return identities.know("Bearer " + token);
  }

  private void refused(String token, String why) {
    assertThatThrownBy(() -> known(token))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.UNAUTHENTICATED))
        .hasMessageContaining(why)
        .hasMessageNotContaining(token);
  }

  @Test
  void theTokenSaysWhoItIsOnWhoseBehalfAndWithWhichRights() {
    Principal alice = known(issuer.sign(claims().build()));

    assertThat(alice.name()).isEqualTo("alice");
    assertThat(alice.tenant()).contains("a");
    assertThat(alice.rights()).containsExactly(Right.APPLICATION);
    assertThat(alice.proof()).isEqualTo(Proof.JWT);
  }

  @Test
  void namesOfRightsAreTheProvidersAndMayStandDeepOrInOneText() {
    identities.close();
    identities = identities(settings(keys.toString(), "realm_access.roles"));
    assertThat(
            known(
                    issuer.sign(
                        claims()
                            .claim("realm_access", Map.of("roles", List.of("mesh-admins")))
                            .build()))
                .rights())
        .containsExactly(Right.OPERATOR);
    identities.close();
    identities = identities(settings(keys.toString(), "scope"));
    assertThat(
            known(issuer.sign(claims().claim("scope", "openid application mesh-admins").build()))
                .rights())
        .containsExactlyInAnyOrder(Right.APPLICATION, Right.OPERATOR);
  }

  @Test
  void onlyAStarIsAnyTenant() {
    assertThat(known(issuer.sign(claims().claim("tenant", "*").build())).tenant()).isEmpty();
    refused(issuer.sign(claims().claim("tenant", null).build()), "claim tenant: none");
    refused(issuer.sign(claims().claim("tenant", "").build()), "claim tenant: none");
    refused(issuer.sign(claims().claim("tenant", 7).build()), "claim tenant: none");
  }

  @Test
  void aTenantThatNoRequestCouldNameIsNone() {
    for (String tenant : List.of("../b", "a b", "a".repeat(65), "ä")) {
      refused(
          issuer.sign(claims().claim("tenant", tenant).build()),
          "claim tenant: no tenant (expected: at most 64 characters of [A-Za-z0-9._-])");
    }
  }

  @Test
  void aNameIsOneLineOfALog() {
    String name = known(issuer.sign(claims().subject("al\nice" + "x".repeat(500)).build())).name();

    assertThat(name).startsWith("al").doesNotContain("\n").hasSizeLessThan(140);
  }

  @Test
  void aTokenWithoutARightIsRefused() {
    refused(
        issuer.sign(claims().claim("roles", List.of("visitor")).build()),
        "claim roles: no right of this mesh");
  }

  @Test
  void timesAreKeptToTheLeeway() {
    assertThat(known(issuer.sign(claims().expirationTime(date(-29)).build())).name())
        .isEqualTo("alice");
    refused(issuer.sign(claims().expirationTime(date(-31)).build()), "Expired JWT");
    refused(issuer.sign(claims().expirationTime(null).build()), "exp");
    assertThat(known(issuer.sign(claims().notBeforeTime(date(29)).build())).name())
        .isEqualTo("alice");
    refused(issuer.sign(claims().notBeforeTime(date(31)).build()), "before use time");
  }

  private static Date date(int seconds) {
    return Date.from(NOW.plusSeconds(seconds));
  }

  @Test
  void anothersTokenIsRefused() {
    refused(issuer.sign(claims().issuer("https://other.example").build()), "iss");
    refused(issuer.sign(claims().audience("other").build()), "aud claim");
    refused(new TestIssuer("k1").sign(claims().build()), "Invalid signature");
    refused(new TestIssuer("k2").sign(claims().build()), "no matching key");
  }

  @Test
  void whatNobodySignedOrASharedKeyDidIsRefused() throws JOSEException {
    refused(new PlainJWT(claims().build()).serialize(), "");
    // the public key, which everybody has, as if it were a shared one
    SignedJWT confused =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("k1").build(), claims().build());
    confused.sign(new MACSigner(issuer.keys().getBytes(StandardCharsets.UTF_8)));
    refused(confused.serialize(), "");
    refused("a.b.c", "absent or wrong");
  }

  @Test
  void theMeshsTokenIsStillAnOperatorOfAnyTenant() {
    Principal operator = known("s3cret");

    assertThat(operator.tenant()).isEmpty();
    assertThat(operator.rights()).contains(Right.values());
    refused("s3cre", "absent or wrong");
    assertThatThrownBy(() -> identities.know((String) null))
        .hasMessageContaining("absent or wrong");
  }

  @Test
  void aFileWithoutKeysIsNamedAtTheStart() throws IOException {
    Path file = Files.writeString(folder.resolve("other.json"), "{}");
    assertThatThrownBy(() -> identities(settings(file.toString(), "roles")))
        .hasMessage(
            "ballast.security.jwt.keys: %s: cannot be read (expected: a JWK set)".formatted(file));
    assertThatThrownBy(() -> identities(settings("http://example.com/keys", "roles")))
        .hasMessage(
            "ballast.security.jwt.keys: http://example.com/keys (expected: a file, or https://…)");
  }

  @Test
  void aTokenThatWasCheckedIsRefusedFromItsEndOn() {
    AtomicReference<Instant> now = new AtomicReference<>(NOW);
    try (JwtKeys read = JwtKeys.open(keys.toString(), Duration.ofDays(1))) {
      JwtAuthenticator jwt =
          new JwtAuthenticator(settings(keys.toString(), "roles"), read, now::get);
      Credentials alice = shown(issuer.sign(claims().build()), "address");

      assertThat(jwt.know(alice).orElseThrow().until())
          .as("with the leeway")
          .isEqualTo(LATER.plusSeconds(30));
      now.set(LATER.plusSeconds(30).minusMillis(1));
      assertThat(jwt.know(alice)).isPresent();
      now.set(LATER.plusSeconds(30));
      assertThatThrownBy(() -> jwt.know(alice)).hasMessageContaining("Expired JWT");
    }
  }

  @Test
  void aTokenThatWasCheckedByKeysThatAreGoneIsRefused() {
    try (JwtKeys read = JwtKeys.open(keys.toString(), Duration.ofDays(1))) {
      JwtAuthenticator jwt =
          new JwtAuthenticator(settings(keys.toString(), "roles"), read, () -> NOW);
      Credentials alice = shown(issuer.sign(claims().build()), "address");
      assertThat(jwt.know(alice)).isPresent();
      var first = read.current();

      read.reload();
      assertThat(read.current()).as("they are the same").isSameAs(first);
      new TestIssuer("k2").write(keys);
      read.reload();
      assertThatThrownBy(() -> jwt.know(alice)).hasMessageContaining("no matching key");
      issuer.write(keys);
      read.reload();
      assertThat(jwt.know(alice)).isPresent();
    }
  }

  @Test
  void whoShowsManyThatProveNothingWaitsAndWhoIsKnownDoesNot() {
    try (JwtKeys read = JwtKeys.open(keys.toString(), Duration.ofDays(1))) {
      JwtAuthenticator jwt =
          new JwtAuthenticator(settings(keys.toString(), "roles"), read, () -> NOW);
      String alice = issuer.sign(claims().build());
      String bob = issuer.sign(claims().subject("bob").build());
      Credentials forged = shown(new TestIssuer("k1").sign(claims().build()), "address");
      assertThat(jwt.know(shown(alice, "address"))).isPresent();

      // of so many some are too many, wherever the second turns
      List<Fault> told = new ArrayList<>();
      for (int i = 0; i < 100 * FAILURES && !told.contains(Fault.OVERLOADED); i++) {
        assertThatThrownBy(() -> jwt.know(forged))
            .isInstanceOfSatisfying(MeshException.class, e -> told.add(e.fault()));
      }
      assertThat(told).hasSizeGreaterThan(FAILURES).endsWith(Fault.OVERLOADED);
      assertThat(jwt.know(shown(alice, "address"))).as("known already").isPresent();
      assertThat(jwt.know(shown(bob, "another"))).as("from elsewhere").isPresent();
    }
  }

  private static Credentials shown(String token, String from) {
    return new Credentials(Optional.of("Bearer " + token), Optional.empty(), from);
  }

  @Test
  void anUnknownKeyHasTheKeysReadAgain() throws Exception {
    TestIssuer next = new TestIssuer("k2");
    AtomicReference<TestIssuer> current = new AtomicReference<>(issuer);
    CountDownLatch atStart = new CountDownLatch(2);
    HttpServer provider =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    provider.createContext(
        "/keys",
        exchange -> {
          byte[] set = current.get().keys().getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, set.length);
          exchange.getResponseBody().write(set);
          exchange.close();
          atStart.countDown();
        });
    provider.start();
    try (JwtKeys fetched =
        JwtKeys.open(
            "http://127.0.0.1:%d/keys".formatted(provider.getAddress().getPort()),
            Duration.ofDays(1))) {
      JwtAuthenticator jwt = new JwtAuthenticator(settings("unused", "roles"), fetched, () -> NOW);
      fetched.reload(); // beside the one of the start
      assertThat(atStart.await(10, TimeUnit.SECONDS)).isTrue();
      Credentials shown = shown(next.sign(claims().build()), "");
      current.set(next);
      var before = fetched.current();

      assertThatThrownBy(() -> jwt.know(shown)).hasMessageContaining("no matching key");
      Await.until(() -> fetched.current() != before);
      assertThat(jwt.know(shown).map(known -> known.principal().name())).contains("alice");
    } finally {
      provider.stop(0);
    }
  }
}
