// SPDX-License-Identifier: MIT
using Tombolo.Testing;

namespace Tombolo.Switching.Tests;

/// <summary>What samples/switching shows, with each part in a process of its own.</summary>
[Trait("Speed", "slow")]
public sealed class SampleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TwoGuests_AFrameGoesFromOneToTheOther()
    {
        using Child server = Sample.Serve("switching", _folder["lan"]);
        using ScriptedDriver a = new(), b = new();
        a.Attach(_folder["lan/vm0"]);
        b.Attach(_folder["lan/vm1"]);
        b.Refill().ShouldBeGreaterThan(0);
        byte[] frame = SwitchRig.FrameFor(new MacAddress(0x0200_0000_AA02), new MacAddress(0x0200_0000_AA01), 1);
        SwitchRig.Send(a, frame);
        SwitchRig.Receive(b).Frame.ShouldBe(frame);
        server.WriteLine("counters");
        server.ReadLine().ShouldBe("vm0: 1 frames came from it, 0 went to it.");
        server.ReadLine().ShouldBe("vm1: 0 frames came from it, 1 went to it.");
        server.CloseInput().ShouldBe(0);
    }
}
