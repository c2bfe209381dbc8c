package io.ballast.standalone.config;

import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Who may call, {@code ballast.security.*}. */
public interface SecurityProperties {
  /** Who holds certificates, by a DNS name or URI in them, or the common name. */
  Map<String, Holder> certificates();

  /** The identity provider whose tokens are believed. */
  JwtProperties jwt();

  /** The most calls a second of each tenant, by right; absent: no limit. */
  Map<String, Integer> callsPerSecond();

  /** Tenants for whom something else holds. */
  Map<String, TenantProperties> tenants();

  /** Whether a host that others reach may be listened on although nobody is asked who they are. */
  @WithDefault("false")
  boolean open();

  /**
   * Whether other machines may ask for more than health and metrics in plain HTTP although {@code
   * ballast.tls.*} encrypt gRPC: where a proxy or the network encrypts.
   */
  @WithDefault("false")
  boolean plainHttp();

  /** What may differ for one tenant. */
  interface TenantProperties {
    /** As {@link SecurityProperties#callsPerSecond}; a right that is absent: as for all. */
    Map<String, Integer> callsPerSecond();
  }

  /** A holder of certificates. */
  interface Holder {
    /** On whose behalf; {@code *}: on any tenant's. */
    String tenant();

    /** Some of application, trainer, operator, auditor, peer. */
    List<String> rights();
  }

  /** An identity provider, as OpenID Connect has it. */
  interface JwtProperties {
    /** The claim {@code iss}, exactly; absent: no tokens are believed. */
    Optional<String> issuer();

    /** What the claim {@code aud} must hold. */
    Optional<String> audience();

    /** Its public keys, a JWK set: a file, or a URL of https. */
    Optional<String> keys();

    /** How often the keys are read again. */
    @WithDefault("PT10M")
    Duration refresh();

    /** How far clocks may differ. */
    @WithDefault("PT30S")
    Duration leeway();

    /** The claim that says who it is. */
    @WithDefault("sub")
    String nameClaim();

    /** The claim with the tenant; {@code *} in it: any. */
    @WithDefault("tenant")
    String tenantClaim();

    /** The claim with the rights; dots lead into objects. */
    @WithDefault("roles")
    String rightsClaim();

    /** What names in it mean; absent: application, trainer, operator, auditor, peer themselves. */
    Map<String, String> rights();

    /** How many that prove nothing are looked at a second from one address. */
    @WithDefault("20")
    int failuresPerSecond();
  }
}
