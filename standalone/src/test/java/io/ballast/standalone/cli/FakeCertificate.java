package io.ballast.standalone.cli;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.store.ModelStore;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.bound.SafetyTest;
import io.ballast.safety.adapter.FileSigningKeys;
import io.ballast.safety.adapter.JwsSeal;
import io.ballast.safety.core.safetytest.AccountShare;
import io.ballast.safety.core.safetytest.CertificateSeal;
import io.ballast.safety.core.safetytest.CertificateTerms;
import io.ballast.safety.core.safetytest.DeltaAccount;
import io.ballast.safety.core.safetytest.SampledCost;
import io.ballast.safety.core.safetytest.TestOutcome;
import io.ballast.safety.core.safetytest.TestScope;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.CertificateRevocation;
import io.ballast.safety.v1.GetEvidenceResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** A certificate that is really signed, by a key of its own, until the year 2100. */
final class FakeCertificate {
  private static final Instant UNTIL = Instant.parse("2100-01-01T00:00:00Z");

  private final List<SampledCost> samples = new ArrayList<>();
  private final CertificateSeal seal;
  private Certificate message;

  FakeCertificate(String id) {
    seal = new JwsSeal(keys());
    for (int i = 0; i < 30; i++) {
      samples.add(new SampledCost(Sha256.of("prompt " + i), Sha256.of("c"), i % 10 / 90.0, false));
    }
    var numbers =
        new SafetyTest(0.3, 0.1, BoundMethod.STUDENT_T)
            .decide(samples.stream().mapToDouble(SampledCost::cost).toArray())
            .numbers();
    var open = body(id, new TestOutcome(numbers, 0), "");
    var certificate = body(id, new TestOutcome(numbers, 0), open.computeDigest());
    CertificateTerms terms =
        new CertificateTerms(
            new TestScope("f".repeat(64), "", Optional.empty(), "serving", Optional.empty()),
            0,
            32,
            0,
            SampledCost.merkleRoot(samples),
            UNTIL,
            "Ballast test",
            certificate.testId(),
            Optional.empty(),
            Optional.of(
                new DeltaAccount(
                    new AccountShare("", 2, 0.2),
                    new DeltaAccount.Earlier(1, 0.1),
                    DeltaAccount.Earlier.NONE)));
    message =
        Certificate.newBuilder()
            .setCertificateId(id)
            .setCandidate(MeshMessages.version(certificate.candidate()))
            .setAlias("serving")
            .setIssueTime(Timestamps.of(certificate.issuedAt()))
            .setExpireTime(Timestamps.of(UNTIL))
            .setJws(seal.sign(certificate, terms).jws())
            .build();
  }

  private io.ballast.safety.core.safetytest.Certificate body(
      String id, TestOutcome outcome, String digest) {
    return new io.ballast.safety.core.safetytest.Certificate(
        UUID.fromString(id),
        UUID.fromString("0cef0000-0000-4000-8000-000000000004"),
        new PinnedVersion("java-tiny", "2", "a".repeat(64)),
        new PinnedVersion("java-cost", "2", "2".repeat(64)),
        List.of(),
        outcome,
        SamplingOptions.builder().maxNewTokens(24).seed(7).build(),
        "b".repeat(64),
        io.ballast.safety.core.safetytest.Certificate.costsSha256(SampledCost.costs(samples)),
        Instant.parse("2026-11-24T12:00:00Z"),
        digest);
  }

  private static FileSigningKeys keys() {
    try {
      Path folder = Files.createTempDirectory("fake-keys");
      FileSigningKeys keys = FileSigningKeys.openOrMake(folder.resolve("keys"), new SecureRandom());
      ModelStore.deleteAll(folder);
      return keys;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Certificate message() {
    return message;
  }

  String jwks() {
    return seal.keys().jwks();
  }

  void revoke(String reason) {
    message =
        message.toBuilder()
            .setRevocation(CertificateRevocation.newBuilder().setReason(reason))
            .build();
  }

  /** Makes it one of before certificates were signed. */
  void unsign() {
    message = message.toBuilder().clearJws().clearExpireTime().build();
  }

  GetEvidenceResponse evidence() {
    GetEvidenceResponse.Builder all = GetEvidenceResponse.newBuilder();
    for (SampledCost sample : samples) {
      all.addSamples(
          io.ballast.safety.v1.SampledCost.newBuilder()
              .setPromptSha256(sample.promptSha256())
              .setCompletionSha256(sample.completionSha256())
              .setCost(sample.cost()));
    }
    return all.build();
  }
}
