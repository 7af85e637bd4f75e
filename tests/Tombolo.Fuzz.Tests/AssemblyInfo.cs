// SPDX-License-Identifier: MIT
using Xunit;

// The targets count the descriptors of the whole process, so they take turns.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
