/** PostgreSQL: embedded for a laptop or given by a URL; one schema for each service. */
@NullMarked
package io.ballast.kit.postgres;

import org.jspecify.annotations.NullMarked;
