/**
 * What happens in a server, told to others: an event is written in the transaction in which it
 * happens, and published from there, so that nothing is told that did not happen, and nothing that
 * happened is left out.
 */
@NullMarked
package io.ballast.kit.outbox;

import org.jspecify.annotations.NullMarked;
