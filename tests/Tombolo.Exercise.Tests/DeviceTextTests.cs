// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Testing;

namespace Tombolo.Exercise.Tests;

public sealed class DeviceTextTests
{
    [Theory]
    [InlineData(3, 0, "3:")]
    [InlineData(300, 27, "300,27:")]
    [InlineData(ulong.MaxValue, ulong.MaxValue, "18446744073709551615,18446744073709551615:")]
    public void WritePrefix_Correspondent_IsWhatTheDriverReads(ulong cid, ulong sid, string text)
    {
        Span<byte> bytes = stackalloc byte[DeviceText.MaxPrefix];
        Encoding.ASCII.GetString(bytes[..DeviceText.WritePrefix(new(cid, sid), bytes)]).ShouldBe(text);
    }

    [Theory]
    [InlineData("3,0:hello", true, 3, 0, "hello")]
    [InlineData("300,27:a:b,c", true, 300, 27, "a:b,c")]
    [InlineData("300,27:", true, 300, 27, "")]
    [InlineData("300:hello", false, 0, 0, "")]
    [InlineData("300,:hello", false, 0, 0, "")]
    [InlineData(",27:hello", false, 0, 0, "")]
    [InlineData("300,27", false, 0, 0, "")]
    [InlineData("", false, 0, 0, "")]
    [InlineData("18446744073709551616,0:x", false, 0, 0, "")]
    public void TryRead_DriverText_IsTakenApart(string text, bool isRead, ulong cid, ulong sid, string message)
    {
        DeviceText.TryRead(Encoding.ASCII.GetBytes(text), out Correspondent from, out ReadOnlySpan<byte> rest).ShouldBe(isRead);
        from.ShouldBe(new(cid, sid));
        Encoding.ASCII.GetString(rest).ShouldBe(message);
    }

    [Fact]
    public void ReadPeers_DriverList_LeavesOutOneself() => DeviceText.ReadPeers("1 vm1 100,27 C-Class=Bridge\n2 vm2 0,0 -\n3 - 300,27 -\n15 Z-switch 1500,27 C-Class=Z-switch,SID0=27\nnonsense\n", ownId: 2, serverId: 15)
        .ShouldBe([new(new(100, 27), 1, "vm1", false), new(new(300, 27), 3, "", false), new(new(1500, 27), 15, "Z-switch", true)]);

    [Fact]
    public void Find_NoneOneMany_SaysWhatToDo()
    {
        using var folder = new TemporaryFolder();
        Should.Throw<ExerciseException>(() => DeviceLink.Find(folder.FullPath)).Message.ShouldContain("load tombolo_bridge.ko");
        File.WriteAllText(folder["tombolo_bridge_0004"], "");
        DeviceLink.Find(folder.FullPath).ShouldBe(folder["tombolo_bridge_0004"]);
        File.WriteAllText(folder["tombolo_bridge_0005"], "");
        Should.Throw<ExerciseException>(() => DeviceLink.Find(folder.FullPath)).Message.ShouldContain("choose one with --device");
    }

    [Theory]
    [InlineData("vm1", "1")]
    [InlineData("3 1", "1 3")]
    [InlineData("all", "1 4")]
    [InlineData("server", "15")]
    [InlineData("all switch vm1", "1 4 15")]
    [InlineData("vm9", null)]
    [InlineData("vm1 9", null)]
    public void Resolve_Words_FindEachTargetOnce(string words, string? ids)
    {
        Neighbour[] all = [new(new(1, 0), 1, "vm1", false), new(new(3, 0), 3, "", false), new(new(4, 0), 4, "vm4", false), new(new(15, 0), 15, "Z-switch", true)];
        IReadOnlyList<Neighbour>? found = Targets.Resolve(words.Split(' '), all, out string missing);
        if (ids is null) missing.ShouldBe(words.Split(' ')[^1]);
        (found is null ? null : string.Join(' ', found.Select(static one => one.Id))).ShouldBe(ids);
    }
}
