package io.ballast.standalone.config;

import io.ballast.kit.security.CertificateHolder;
import io.ballast.kit.security.ConnectionLimits;
import io.ballast.kit.security.JwtSettings;
import io.ballast.kit.security.Principal;
import io.ballast.kit.security.Right;
import io.ballast.kit.security.TlsSettings;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Who may call, and how connections are secured.
 *
 * @param tls files of certificates; empty: nothing is encrypted
 * @param certificates who holds certificates, by a name in them
 * @param jwt the identity provider whose tokens are believed; empty: none
 * @param callsPerSecond the most of each tenant, by right; a right that is left out has no limit
 * @param tenantCallsPerSecond the same of tenants for whom others hold; a right that is left out is
 *     as for all
 * @param connections what one connection may take
 * @param open whether strangers may be let in
 * @param plainHttp whether other machines may ask for all in plain HTTP although gRPC is encrypted
 */
public record SecurityConfig(
    Optional<TlsSettings> tls,
    Map<String, CertificateHolder> certificates,
    Optional<JwtSettings> jwt,
    Map<Right, Integer> callsPerSecond,
    Map<String, Map<Right, Integer>> tenantCallsPerSecond,
    ConnectionLimits connections,
    boolean open,
    boolean plainHttp) {
  private static final String ANY_TENANT = "*";

  /** Copies. */
  public SecurityConfig {
    certificates = Map.copyOf(certificates);
    callsPerSecond = Map.copyOf(callsPerSecond);
    tenantCallsPerSecond = Map.copyOf(tenantCallsPerSecond);
  }

  static SecurityConfig from(MeshProperties properties) {
    SecurityProperties security = properties.security();
    return new SecurityConfig(
        tls(properties.tls()),
        certificates(security.certificates()),
        jwt(security.jwt()),
        callsPerSecond("ballast.security.calls-per-second", security.callsPerSecond()),
        tenantCallsPerSecond(security.tenants()),
        new ConnectionLimits(
            properties.connections().maxOpen(),
            properties.connections().maxWatches(),
            Math.toIntExact(properties.connections().maxHeaderSize().asLongValue()),
            properties.connections().maxCalls(),
            properties.connections().maxResets(),
            properties.connections().handshake(),
            properties.connections().maxAge(),
            properties.connections().maxAgeGrace()),
        security.open(),
        security.plainHttp());
  }

  private static Optional<TlsSettings> tls(TlsProperties tls) {
    if (tls.certificate().isEmpty() && tls.key().isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new TlsSettings(
            tls.certificate()
                .orElseThrow(() -> missing("ballast.tls.certificate", "ballast.tls.key")),
            tls.key().orElseThrow(() -> missing("ballast.tls.key", "ballast.tls.certificate")),
            tls.trust(),
            tls.clientAuth(),
            tls.reloadInterval()));
  }

  private static Map<String, CertificateHolder> certificates(
      Map<String, SecurityProperties.Holder> holders) {
    Map<String, CertificateHolder> read = new HashMap<>();
    holders.forEach(
        (name, holder) ->
            read.put(
                name,
                new CertificateHolder(
                    Optional.of(holder.tenant()).filter(tenant -> !tenant.equals(ANY_TENANT)),
                    rights(
                        "ballast.security.certificates.\"%s\".rights".formatted(name),
                        holder.rights()))));
    return read;
  }

  private static Optional<JwtSettings> jwt(SecurityProperties.JwtProperties jwt) {
    if (jwt.issuer().isEmpty() && jwt.audience().isEmpty() && jwt.keys().isEmpty()) {
      return Optional.empty();
    }
    String others = "ballast.security.jwt.issuer, .audience and .keys belong together";
    Map<String, Right> rights = new HashMap<>();
    if (jwt.rights().isEmpty()) {
      Arrays.stream(Right.values()).forEach(right -> rights.put(right.label(), right));
    }
    jwt.rights()
        .forEach(
            (name, right) ->
                rights.put(
                    name, right("ballast.security.jwt.rights.\"%s\"".formatted(name), right)));
    return Optional.of(
        new JwtSettings(
            jwt.issuer().orElseThrow(() -> missing("ballast.security.jwt.issuer", others)),
            jwt.audience().orElseThrow(() -> missing("ballast.security.jwt.audience", others)),
            jwt.keys().orElseThrow(() -> missing("ballast.security.jwt.keys", others)),
            jwt.refresh(),
            jwt.leeway(),
            jwt.nameClaim(),
            jwt.tenantClaim(),
            jwt.rightsClaim(),
            rights,
            jwt.failuresPerSecond()));
  }

  private static Map<Right, Integer> callsPerSecond(String property, Map<String, Integer> limits) {
    Map<Right, Integer> read = new EnumMap<>(Right.class);
    limits.forEach((name, calls) -> read.put(right(property, name), calls));
    return read;
  }

  private static Map<String, Map<Right, Integer>> tenantCallsPerSecond(
      Map<String, SecurityProperties.TenantProperties> tenants) {
    Map<String, Map<Right, Integer>> read = new HashMap<>();
    tenants.forEach(
        (tenant, own) -> {
          String property = "ballast.security.tenants.\"%s\"".formatted(tenant);
          if (!Principal.isTenant(tenant)) {
            throw new IllegalArgumentException(
                "%s: no tenant's name (expected: %s)".formatted(property, Principal.TENANT_FORM));
          }
          read.put(tenant, callsPerSecond(property + ".calls-per-second", own.callsPerSecond()));
        });
    return read;
  }

  private static Set<Right> rights(String property, Collection<String> names) {
    EnumSet<Right> rights = EnumSet.noneOf(Right.class);
    names.forEach(name -> rights.add(right(property, name.strip())));
    if (rights.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: none (expected: some of %s)".formatted(property, labels()));
    }
    return rights;
  }

  private static Right right(String property, String name) {
    return Right.of(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s: %s (expected: one of %s)".formatted(property, name, labels())));
  }

  private static String labels() {
    return Arrays.stream(Right.values()).map(Right::label).collect(Collectors.joining(", "));
  }

  private static IllegalArgumentException missing(String property, String beside) {
    return new IllegalArgumentException(
        "%s: absent (expected: with %s)".formatted(property, beside));
  }
}
