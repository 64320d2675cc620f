// How large a team of threads may be.
#ifndef JBATCHNORM_SRC_TEAM_HPP
#define JBATCHNORM_SRC_TEAM_HPP

namespace jbn {

// The threads, the caller's included, that a parallel region of the calling thread gets: `wanted`, or
// fewer where the system refuses to start more. GNU OpenMP would end the process there, so it is
// asked only for threads that could be started just before.
int team_size(int wanted);

}  // namespace jbn

#endif  // JBATCHNORM_SRC_TEAM_HPP
