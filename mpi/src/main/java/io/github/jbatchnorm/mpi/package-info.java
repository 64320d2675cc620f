/** Training on several ranks over MPI. */
package io.github.jbatchnorm.mpi;
