// SPDX-License-Identifier: MIT
namespace Tombolo.Grants.Tests;

/// <summary>What samples/grants shows, with each part in a process of its own.</summary>
[Trait("Speed", "slow")]
public sealed class SampleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void OneCalls_TheOtherListens()
    {
        using Child server = Sample.Serve("grants", _folder["g"]);
        using Child listener = Sample.Start("grants", "listen", _folder["g"]), caller = Sample.Start("grants", "call", _folder["g"]);
        for (int i = 1; i <= 3; i++) listener.ReadLine().ShouldBe($"6 characters: line {i}");
        (caller.WaitForExit(), listener.WaitForExit(), server.CloseInput()).ShouldBe((0, 0, 0));
    }
}
