// SPDX-License-Identifier: MIT
using Xunit;

// Some of these tests count the descriptors of the whole process, so they take turns.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
