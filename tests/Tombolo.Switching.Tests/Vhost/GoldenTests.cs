// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Tombolo.Testing;
using Tombolo.Wire;

namespace Tombolo.Switching.Tests;

public sealed class VhostHeaderTests : WireContract<VhostHeader>
{
    protected override VhostHeader Sample => new(VhostRequest.SetMemoryTable, 9, 40);

    [Theory]
    [InlineData(0u, WireFault.UnknownVersion)]
    [InlineData(2u, WireFault.UnknownVersion)]
    [InlineData(5u, WireFault.ReservedBitsSet)]
    [InlineData(0x11u, WireFault.ReservedBitsSet)]
    public void Check_BadFlags_IsAFault(uint flags, WireFault fault) => (Sample with { Flags = flags }).Check().ShouldBe(fault);

    [Fact]
    public void Check_UnknownRequest_IsAFault() => (Sample with { Request = (VhostRequest)99 }).Check().ShouldBe(WireFault.UnknownType);

    [Fact]
    public void Check_OneByteOverTheLimit_IsAFault() => (Sample with { PayloadBytes = VhostHeader.MaxPayload + 1 }).Check().ShouldBe(WireFault.PayloadTooLong);
}

public sealed class VringStateTests : WireContract<VringState>
{
    protected override VringState Sample => new(1, 256);
}

public sealed class VringAddressesTests : WireContract<VringAddresses>
{
    protected override VringAddresses Sample => new(1, 1, 0x1000, 0x2000, 0x3000, 0x4000);
}

public sealed class VhostRegionTests : WireContract<VhostRegion>
{
    protected override VhostRegion Sample => new(0x1000, 0x2000, 0x3000, 0x4000);
}

public sealed class VhostInFlightTests : WireContract<VhostInFlight>
{
    protected override VhostInFlight Sample => new(0x1000, 0x2000, 2, 64);
}

public sealed class VhostConfigPartTests : WireContract<VhostConfigPart>
{
    protected override VhostConfigPart Sample => new(6, 2, 1);
}

public sealed class NetHeaderTests : WireContract<NetHeader>
{
    protected override NetHeader Sample => new(1, 0x81, 54, 1448, 34, 16, 3);
}

/// <summary>Keeps docs/specs/vhost-user.md honest: its golden bytes are what the code writes, reads and answers.</summary>
public sealed partial class GoldenTests
{
    [Fact]
    public async Task Page_Requests_AreAnsweredAsItSays()
    {
        await using SwitchRig rig = SwitchRig.Start(1);
        using var memory = new ScriptedMemory(1 << 20);
        using ScriptedFrontEnd front = ScriptedFrontEnd.Connect(rig.PathOf(0));
        front.SendRaw(Bytes("get-features"));
        Raw(front).ShouldBe(Bytes("get-features-reply"));
        front.Send(ScriptedFrontEnd.SetProtocolFeatures, ScriptedFrontEnd.U64(ScriptedDriver.ReplyAck | ScriptedDriver.InFlightFd));
        front.SendRaw(Bytes("set-mem-table"), memory.Descriptor);
        Raw(front).ShouldBe(Bytes("ack"));
        front.SendRaw(Bytes("set-vring-num"));
        front.SendRaw(Bytes("set-vring-addr"));
        front.SendRaw(Bytes("set-vring-call-none"));
        front.SendRaw(Bytes("set-vring-enable"));
        front.SendRaw(Bytes("get-inflight-fd"));
        ScriptedAnswer region = front.Receive().ShouldNotBeNull();
        region.Payload.Length.ShouldBe(24);
        using (region.Descriptor.ShouldNotBeNull()) Linux.SharedFile.SizeOf(region.Descriptor).ShouldBe(4096);
        using Linux.SafeFd kick = Linux.EventFd.Create();
        memory.Write16(0x3000 + 2, 5);   // used index: it goes on there
        memory.Write16(0x2000 + 2, 5);
        front.SendRaw(Bytes("set-vring-kick"), kick);
        front.Send(ScriptedFrontEnd.GetVringBase, ScriptedFrontEnd.State(1, 0));
        Raw(front).ShouldBe(Bytes("get-vring-base-reply"));
    }

    [Fact]
    public void Page_Table_NamesEveryRequestThatIsUnderstood()
    {
        string page = File.ReadAllText(RepositoryFile.PathOf("docs/specs/vhost-user.md"));
        foreach (VhostRequest request in VhostRules.Understood)
            if (request != VhostRequest.SetConfig) page.ShouldContain($" {(uint)request}", customMessage: request.ToString());
    }

    private static byte[] Raw(ScriptedFrontEnd front)
    {
        ScriptedAnswer answer = front.Receive().ShouldNotBeNull();
        byte[] bytes = new byte[VhostHeader.Size];
        new VhostHeader((VhostRequest)answer.Request, answer.Flags, (uint)answer.Payload.Length).Write(bytes);
        return [.. bytes, .. answer.Payload];
    }

    private static byte[] Bytes(string name)
    {
        Match match = Block().Matches(File.ReadAllText(RepositoryFile.PathOf("docs/specs/vhost-user.md"))).Single(found => found.Groups["name"].Value == name);
        return [.. match.Groups["text"].Value.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(static text => byte.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
    }

    [GeneratedRegex(@"```golden (?<name>[\w-]+)\n(?<text>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
