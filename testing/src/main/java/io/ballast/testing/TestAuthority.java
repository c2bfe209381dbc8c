package io.ballast.testing;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.stream.Stream;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemGenerationException;

/**
 * An authority that vouches for the certificates that a test makes; on elliptic curves, quickly.
 */
public final class TestAuthority {
  private static final String SIGNATURE = "SHA256withECDSA";

  /** Before any test, and after. */
  private static final Instant FROM = Instant.parse("2020-01-01T00:00:00Z");

  /** When certificates end to be good. */
  public static final Instant UNTIL = Instant.parse("2120-01-01T00:00:00Z");

  private final String name;
  private final KeyPair keys = newKeys();
  private final X509Certificate certificate;
  private long serial;

  /** Makes one. */
  public TestAuthority(String name) {
    this.name = name;
    this.certificate = issue("CN=" + name, keys, List.of(), true, UNTIL);
  }

  /** A certificate and its key. */
  public record Issued(X509Certificate certificate, PrivateKey key) {
    /** Writes both as PEM, in place of what is there. */
    public void write(Path certificateFile, Path keyFile) {
      TestAuthority.write(certificateFile, certificate);
      TestAuthority.writeKey(keyFile, key);
    }
  }

  /** Writes the authority's own certificate as PEM. */
  public Path write(Path file) {
    write(file, certificate);
    return file;
  }

  /**
   * Issues a certificate.
   *
   * @param names DNS names, IP addresses as {@code ip:127.0.0.1}, URIs as they are
   */
  public Issued issue(String commonName, String... names) {
    return issueUntil(UNTIL, commonName, names);
  }

  /** Issues a certificate that ends to be good then, to the second. */
  public Issued issueUntil(Instant end, String commonName, String... names) {
    KeyPair own = newKeys();
    List<GeneralName> alternatives = Stream.of(names).map(TestAuthority::generalName).toList();
    return new Issued(issue("CN=" + commonName, own, alternatives, false, end), own.getPrivate());
  }

  private static GeneralName generalName(String name) {
    if (name.startsWith("ip:")) {
      return new GeneralName(GeneralName.iPAddress, name.substring("ip:".length()));
    }
    return new GeneralName(
        name.contains("://") ? GeneralName.uniformResourceIdentifier : GeneralName.dNSName, name);
  }

  private X509Certificate issue(
      String subject, KeyPair owner, List<GeneralName> names, boolean authority, Instant end) {
    try {
      X509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              new X500Principal("CN=" + name),
              BigInteger.valueOf(++serial),
              Date.from(FROM),
              Date.from(end),
              new X500Principal(subject),
              owner.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
      if (!names.isEmpty()) {
        builder.addExtension(
            Extension.subjectAlternativeName,
            false,
            new GeneralNames(names.toArray(GeneralName[]::new)));
      }
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(new JcaContentSignerBuilder(SIGNATURE).build(keys.getPrivate())));
    } catch (CertIOException | OperatorCreationException | GeneralSecurityException e) {
      throw new IllegalStateException("no certificate for " + subject, e);
    }
  }

  private static KeyPair newKeys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("no keys", e);
    }
  }

  private static void writeKey(Path file, PrivateKey key) {
    try {
      write(file, new JcaPKCS8Generator(key, null));
    } catch (PemGenerationException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(Path file, Object pem) {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(pem);
      writer.flush();
      Files.writeString(file, text.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
