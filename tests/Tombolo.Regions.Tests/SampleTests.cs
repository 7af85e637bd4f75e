// SPDX-License-Identifier: MIT
using Tombolo.Testing;

namespace Tombolo.Regions.Tests;

/// <summary>What samples/regions shows, with each part in a process of its own.</summary>
[Trait("Speed", "slow")]
public sealed class SampleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void SourceSignals_SinkSeesTheLast()
    {
        using Child server = Sample.Serve("regions", _folder["phone"]);
        using Child sink = Sample.Start("regions", "sink", _folder["phone"]);
        using Child source = Sample.Start("regions", "source", _folder["phone"]);
        source.WaitForExit().ShouldBe(0);
        string last = "";
        while (sink.ReadLine() is { } line) last = line;
        last.ShouldBe("The lamp says 3.");
        (sink.WaitForExit(), server.CloseInput()).ShouldBe((0, 0));
    }
}
