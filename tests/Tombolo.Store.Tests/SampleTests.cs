// SPDX-License-Identifier: MIT
using Tombolo.Testing;

namespace Tombolo.Store.Tests;

/// <summary>What samples/store shows, with each part in a process of its own.</summary>
[Trait("Speed", "slow")]
public sealed class SampleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TwoCountTogether_TheWatchSeesTheSum()
    {
        using Child server = Sample.Serve("store", _folder["store"]);
        using Child watch = Sample.Start("store", "watch", _folder["store"], "80");
        watch.ReadLine().ShouldBe("/visitors is not there.");
        using Child one = Sample.Start("store", "count", _folder["store"], "40"), two = Sample.Start("store", "count", _folder["store"], "40");
        (one.WaitForExit(), two.WaitForExit(), watch.WaitForExit()).ShouldBe((0, 0, 0));
        string last = "";
        while (watch.ReadLine() is { } line) last = line;
        last.ShouldBe("/visitors is 80.");
        server.CloseInput().ShouldBe(0);
    }
}
