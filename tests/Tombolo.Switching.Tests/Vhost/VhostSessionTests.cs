// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Switching.Tests;

/// <summary>Front ends that say the right thing, the wrong thing, and nothing: a fault ends their session, and nobody else's.</summary>
public sealed class VhostSessionTests
{
    public static TheoryData<string, byte[]> Faults => new()
    {
        { "version 0", Message(1, [], flags: 0) },
        { "a reply as a request", Message(1, [], flags: 5) },
        { "unknown request", Message(77, []) },
        { "too much payload", Message(1, [], size: 1 << 20) },
        { "payload where there is none", Message(1, new byte[8]) },
        { "payload too short", Message(2, new byte[4]) },
        { "features that were not offered", Message(2, ScriptedFrontEnd.U64(1UL << 63)) },
        { "protocol features that were not offered", Message(16, ScriptedFrontEnd.U64(1UL << 1)) },
        { "ring 200", Message(8, ScriptedFrontEnd.State(200, 64)) },
        { "ring 4 billion", Message(8, ScriptedFrontEnd.State(uint.MaxValue, 64)) },
        { "ring of 0", Message(8, ScriptedFrontEnd.State(0, 0)) },
        { "ring of 65536", Message(8, ScriptedFrontEnd.State(0, 65536)) },
        { "enabled twice over", Message(18, ScriptedFrontEnd.State(0, 2)) },
        { "a kick that did not come", Message(12, ScriptedFrontEnd.U64(0)) },
        { "a kick with odd bits", Message(12, ScriptedFrontEnd.U64(0x1100)) },
        { "a table of a million regions", Message(5, [64, 66, 15, 0, 0, 0, 0, 0]) },
        { "a table without its descriptors", Message(5, [1, 0, 0, 0, 0, 0, 0, 0, .. ScriptedDriver.Region(0, 4096, 0)]) },
        { "log addresses", Message(9, [0, 0, 0, 0, 2, 0, 0, 0, .. new byte[32]]) },
        { "migration's log", Message(6, new byte[16]) },
        { "address translations", Message(22, new byte[32]) },
        { "in-flight without asking", Message(31, new byte[24]) },
        { "config without asking", Message(24, new byte[12]) },
        { "memory slots without asking", Message(36, []) },
        { "an MTU without asking", Message(20, ScriptedFrontEnd.U64(1500)) },
        { "RARP without asking", Message(19, ScriptedFrontEnd.U64(1)) },
        { "status without asking", Message(39, ScriptedFrontEnd.U64(1)) },
        { "reset without asking", Message(34, []) },
        { "regions that come alone without asking", Message(37, [.. new byte[8], .. ScriptedDriver.Region(0, 4096, 0)]) },
    };

    [Theory, MemberData(nameof(Faults))]
    public async Task Session_Fault_EndsItAndTheNextIsServed(string what, byte[] message)
    {
        await using SwitchRig rig = SwitchRig.Start(1);
        using (ScriptedFrontEnd bad = ScriptedFrontEnd.Connect(rig.PathOf(0)))
        {
            bad.SendRaw(message);
            bad.WaitForHangUp().ShouldBeTrue(what);
        }
        (await rig.Port(0)).LastEnd.ShouldNotBeNull().ShouldNotBe("The front end hung up.", what);
        using ScriptedFrontEnd good = ScriptedFrontEnd.Connect(rig.PathOf(0));
        good.Ask(ScriptedFrontEnd.GetFeatures).Payload.Length.ShouldBe(8);
    }

    [Fact]
    public async Task Session_MessagesInSingleBytes_AreUnderstood()
    {
        await using SwitchRig rig = SwitchRig.Start(1);
        using ScriptedFrontEnd front = ScriptedFrontEnd.Connect(rig.PathOf(0));
        foreach (byte part in Message(16, ScriptedFrontEnd.U64(ScriptedDriver.ReplyAck)).Concat(Message(17, []))) front.SendRaw([part]);
        front.Receive().ShouldNotBeNull().Word.ShouldBe(8UL);
    }

    [Fact]
    public async Task Session_HangUpInMidMessage_LeavesNothingOpen()
    {
        await using SwitchRig rig = SwitchRig.Start(1);
        for (int i = 0; i < 50; i++)
        {
            using ScriptedFrontEnd front = ScriptedFrontEnd.Connect(rig.PathOf(0));
            using SafeFd fd = EventFd.Create();
            front.SendRaw(Message(12, ScriptedFrontEnd.U64(0)).AsSpan(0, (i % 19) + 1), fd);
        }
        using ScriptedFrontEnd last = ScriptedFrontEnd.Connect(rig.PathOf(0));
        last.Ask(ScriptedFrontEnd.GetFeatures).Payload.Length.ShouldBe(8);
    }

    [Fact]
    public async Task Session_SecondFrontEnd_IsSentAwayWhileTheFirstIsThere()
    {
        await using SwitchRig rig = SwitchRig.Start(1);
        using ScriptedFrontEnd first = ScriptedFrontEnd.Connect(rig.PathOf(0));
        _ = first.Ask(ScriptedFrontEnd.GetFeatures);
        using (ScriptedFrontEnd second = ScriptedFrontEnd.Connect(rig.PathOf(0))) second.WaitForHangUp().ShouldBeTrue();
        _ = first.Ask(ScriptedFrontEnd.GetFeatures);
        first.Dispose();
        using ScriptedFrontEnd third = ScriptedFrontEnd.Connect(rig.PathOf(0));
        _ = third.Ask(ScriptedFrontEnd.GetFeatures);
    }

    [Fact]
    public async Task Acknowledgements_AreGivenWhereAskedFor()
    {
        await using SwitchRig rig = SwitchRig.Start(1, port => port with { Mtu = 9000, ProtocolFeatures = VhostDeviceOptions.AllProtocolFeatures });
        using var memory = new ScriptedMemory((0, 0x10000), (0x100000, 0x10000));
        using ScriptedFrontEnd front = ScriptedFrontEnd.Connect(rig.PathOf(0));
        ulong offered = front.Ask(ScriptedFrontEnd.GetProtocolFeatures).Word;
        front.Send(ScriptedFrontEnd.SetProtocolFeatures, ScriptedFrontEnd.U64(offered));
        front.Do(ScriptedFrontEnd.SetOwner, []).ShouldBe(0UL);
        front.Do(ScriptedFrontEnd.SetMtu, ScriptedFrontEnd.U64(9000)).ShouldBe(0UL);
        front.Do(ScriptedFrontEnd.SetMtu, ScriptedFrontEnd.U64(9001)).ShouldBe(1UL);
        front.Do(ScriptedFrontEnd.SetMtu, ScriptedFrontEnd.U64(67)).ShouldBe(1UL);
        (await rig.Port(0)).Refusal.ShouldBe("SetMtu was refused: The MTU 67 is not within 68 to 9000.");
        front.Do(ScriptedFrontEnd.SetConfig, [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9]).ShouldBe(1UL);
        front.Do(ScriptedFrontEnd.SetStatus, ScriptedFrontEnd.U64(7)).ShouldBe(0UL);
        front.Ask(ScriptedFrontEnd.GetStatus).Word.ShouldBe(7UL);
        front.Ask(ScriptedFrontEnd.GetMaxMemSlots).Word.ShouldBe(64UL);
        byte[] Slot(ulong guest, ulong size, ulong offset) => [.. new byte[8], .. ScriptedDriver.Region(guest, size, offset)];
        front.Do(ScriptedFrontEnd.AddMemReg, Slot(0, 0x10000, 0), memory.Descriptor).ShouldBe(0UL);
        front.Do(ScriptedFrontEnd.AddMemReg, Slot(0x100000, 0x10000, 0x10000), memory.Descriptor).ShouldBe(0UL);
        front.Do(ScriptedFrontEnd.AddMemReg, Slot(0x8000, 0x1000, 0), memory.Descriptor).ShouldBe(1UL, "it overlaps");
        front.Do(ScriptedFrontEnd.AddMemReg, Slot(0x200000, 0x10000, 0x18000), memory.Descriptor).ShouldBe(1UL, "it runs over the end of the object");
        front.Do(ScriptedFrontEnd.AddMemReg, Slot(0x200000, ulong.MaxValue, 1), memory.Descriptor).ShouldBe(1UL, "it overflows");
        front.Do(ScriptedFrontEnd.RemMemReg, Slot(0x100000, 0x10000, 0x10000)).ShouldBe(0UL);
        front.Do(ScriptedFrontEnd.RemMemReg, Slot(0x100000, 0x10000, 0x10000)).ShouldBe(0UL, "it is gone already: QEMU says so for every queue pair");
        front.Do(ScriptedFrontEnd.ResetDevice, []).ShouldBe(0UL);
    }

    [Fact]
    public async Task GetConfig_SaysAddressLinkQueuesAndMtu()
    {
        await using SwitchRig rig = SwitchRig.Start(1, port => port with { Mtu = 9000, QueuePairs = 3, ProtocolFeatures = VhostDeviceOptions.AllProtocolFeatures });
        using ScriptedFrontEnd front = ScriptedFrontEnd.Connect(rig.PathOf(0));
        front.Send(ScriptedFrontEnd.SetProtocolFeatures, ScriptedFrontEnd.U64(ScriptedDriver.ConfigFeature));
        front.Ask(ScriptedFrontEnd.GetConfig, [0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, .. new byte[12]]).Payload[12..].ShouldBe([2, 0, 0, 0, 0, 1, 1, 0, 3, 0, 0x28, 0x23]);
        front.Ask(ScriptedFrontEnd.GetConfig, [10, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]).Payload[12..].ShouldBe([0x28, 0x23]);
    }

    private static byte[] Message(uint request, byte[] payload, uint flags = 1, uint? size = null) =>
        [.. BitConverter.GetBytes(request), .. BitConverter.GetBytes(flags), .. BitConverter.GetBytes(size ?? (uint)payload.Length), .. payload];
}
