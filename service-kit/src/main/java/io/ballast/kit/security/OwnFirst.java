package io.ballast.kit.security;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.function.Predicate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Believes this process's own certificate, whoever vouches for it and whatever it is called, since
 * only who has its key can prove it; of all others what {@code next} believes.
 */
final class OwnFirst extends X509ExtendedTrustManager {
  private final Predicate<X509Certificate> own;
  private final X509ExtendedTrustManager next;

  OwnFirst(Predicate<X509Certificate> own, X509ExtendedTrustManager next) {
    this.own = own;
    this.next = next;
  }

  private boolean isOwn(X509Certificate[] chain) {
    return chain.length > 0 && own.test(chain[0]);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    if (!isOwn(chain)) {
      next.checkClientTrusted(chain, type, engine);
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    if (!isOwn(chain)) {
      next.checkClientTrusted(chain, type, socket);
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    if (!isOwn(chain)) {
      next.checkClientTrusted(chain, type);
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    if (!isOwn(chain)) {
      next.checkServerTrusted(chain, type, engine);
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    if (!isOwn(chain)) {
      next.checkServerTrusted(chain, type, socket);
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    if (!isOwn(chain)) {
      next.checkServerTrusted(chain, type);
    }
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return next.getAcceptedIssuers();
  }
}
