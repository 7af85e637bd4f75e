// SPDX-License-Identifier: MIT
using Xunit;

// Many of these tests count the descriptors of the whole process, so they take turns.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
