// SPDX-License-Identifier: MIT
using Xunit;

namespace Tombolo.Testing;

/// <summary>Counts what this process has open. Use it only where no other test runs at the same time.</summary>
public static class FdCount
{
    private const int Rounds = 40;   // a loss of one shows forty times; what the runtime opens for itself, once

    /// <summary>Runs something many times and checks that no descriptor is lost by it.</summary>
    /// <param name="action">What to run; it disposes what it is given.</param>
    public static void AssertUnchanged(Action action)
    {
        action();   // what is opened once and for all is opened now
        GC.Collect();
        GC.WaitForPendingFinalizers();
        string[] before = Open();
        for (int round = 0; round < Rounds; round++) action();
        string[] after = Open();
        if (after.Length >= before.Length + Rounds)
            Assert.Fail($"{after.Length - before.Length} descriptors were lost in {Rounds} rounds; among those open now: {string.Join(", ", after.Except(before).Take(5))}.");
    }

    /// <summary>What is open, as <c>number → target</c>.</summary>
    public static string[] Open() =>
        [.. new DirectoryInfo("/proc/self/fd").GetFiles().Select(Describe).OfType<string>()];

    private static string? Describe(FileInfo file)
    {
        try { return $"{file.Name} → {file.LinkTarget}"; }
        catch (IOException) { return null; }   // the descriptor of the listing itself
    }
}
