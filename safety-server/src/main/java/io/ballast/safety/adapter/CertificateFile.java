package io.ballast.safety.adapter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.safety.core.safetytest.Certificate;
import io.ballast.safety.core.safetytest.CertificateChecks;
import io.ballast.safety.core.safetytest.CertificateChecks.Expected;
import io.ballast.safety.core.safetytest.CertificateTerms;
import io.ballast.safety.core.safetytest.Findings;
import io.ballast.safety.core.safetytest.SampledCost;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A certificate with its evidence in one file, which anyone who has the public keys can verify
 * without a mesh. Whether it was revoked, only a mesh knows.
 */
public final class CertificateFile {
  private static final ObjectMapper JSON = new ObjectMapper();

  private CertificateFile() {}

  /**
   * What verification found.
   *
   * @param reason the first check that does not hold; empty if all hold
   * @param certificate empty if the document's signature does not hold
   */
  public record Verified(
      String reason,
      List<String> findings,
      Optional<Certificate> certificate,
      Optional<CertificateTerms> terms) {
    public Verified {
      findings = List.copyOf(findings);
    }

    /** Whether every check holds. */
    public boolean valid() {
      return reason.isEmpty();
    }
  }

  /** Returns a file's text. */
  public static String write(String jws, List<SampledCost> samples) {
    ObjectNode file = JSON.createObjectNode();
    file.put("jws", jws);
    ArrayNode evidence = file.putArray("evidence");
    for (SampledCost sample : samples) {
      ObjectNode leaf = evidence.addObject();
      leaf.put("prompt_sha256", sample.promptSha256())
          .put("completion_sha256", sample.completionSha256())
          .put("cost", sample.cost())
          .put("missing", sample.missing());
      if (sample.group() != 0) {
        leaf.put("group", sample.group());
      }
    }
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(file) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can be written", e);
    }
  }

  /**
   * Verifies a file.
   *
   * @param file its text
   * @param jwks the public keys that are trusted, a JSON Web Key Set
   * @param now the time of day
   * @throws IllegalArgumentException if {@code jwks} is none
   */
  public static Verified verify(String file, String jwks, Expected expected, Instant now) {
    Findings findings = new Findings();
    var keys = Ed25519Keys.ofJwks(jwks);
    try {
      JsonNode read = JSON.readTree(file);
      CompactJws.Opened opened = CompactJws.open(read.path("jws").asText(), keys);
      findings.that("signature", true, "by key " + opened.keyId(), "");
      CertificateJson.Document document = CertificateJson.read(JSON.readTree(opened.payload()));
      check(findings, document, samples(read.path("evidence")), expected, now);
      return new Verified(
          findings.reason(),
          findings.lines(),
          Optional.of(document.certificate()),
          Optional.of(document.terms()));
    } catch (CompactJws.Refused e) {
      findings.that("signature", false, "", String.valueOf(e.getMessage()));
    } catch (IOException e) {
      findings.that("file", false, "", "no certificate file: it is no JSON");
    } catch (IllegalArgumentException e) {
      findings.that("document", false, "", String.valueOf(e.getMessage()));
    }
    return new Verified(findings.reason(), findings.lines(), Optional.empty(), Optional.empty());
  }

  private static void check(
      Findings findings,
      CertificateJson.Document document,
      List<SampledCost> samples,
      Expected expected,
      Instant now) {
    Certificate certificate = document.certificate();
    CertificateChecks checks = new CertificateChecks(findings);
    findings.same("digest", certificate.digestSha256(), certificate.computeDigest());
    checks.terms(document.terms(), certificate.outcome().numbers().delta(), expected, now);
    checks.evidence(document.terms(), samples);
    checks.weights(certificate, expected);
    var unused = checks.numbers(certificate, samples);
    checks.costModel(certificate, document.terms().scope().dependence());
  }

  private static List<SampledCost> samples(JsonNode evidence) {
    List<SampledCost> samples = new ArrayList<>();
    for (JsonNode sample : evidence) {
      samples.add(
          new SampledCost(
              sample.path("prompt_sha256").asText(),
              sample.path("completion_sha256").asText(),
              sample.path("cost").asDouble(Double.NaN),
              sample.path("missing").asBoolean(),
              sample.path("group").asInt(0)));
    }
    return samples;
  }
}
