// SPDX-License-Identifier: MIT
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Shouldly;

namespace Tombolo.Fabric.Tests;

/// <summary>Whatever the bytes: a declaration or faults, never an exception.</summary>
public sealed class AnyTextTests
{
    private static readonly string[] _pieces =
    [
        "fabric: f", "\n", "\n  ", "\n    ", "mailboxes:", "machines:", "policy:", "genz:", "vm0:", "clients: ", "slot: ", "attach: ", "after: ", "memory: ", "run: ", "disks: ", "allow: ", "qemu: ",
        "{", "}", "[", "]", ", ", "- ", ": ", "? ", "|", ">", "|2-", "'", "\"", "\\", "&a ", "*a", "!!int ", "!<tag> ", "%TAG ! x", "---", "...", "#", "<<: ", "~", "null", "true", "5", "-1", "256M", "1e9", "0x10", "é", "\t", "\0", "\u2028", "\uFEFF", "\U0001F600", "join genz", "uid: ",
    ];

    private static bool IsJudged(byte[] bytes)
    {
        FabricReading reading = FabricFile.Parse(bytes, "/f.yaml", "/run/t");
        return (reading.Declaration is null) == (reading.Faults.Count > 0)
            && reading.Faults.All(fault => fault.Line >= 1 && fault.Column >= 1 && fault.Sentence.Length > 0 && !fault.Sentence.Any(char.IsControl));
    }

    [Fact]
    public void Parse_AnyBytes_IsJudged() => Prop.ForAll<byte[]>(bytes => IsJudged(bytes)).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Parse_AnyHeapOfYamlPieces_IsJudged() =>
        Prop.ForAll(Gen.Elements(_pieces).ListOf().ToArbitrary(), pieces => IsJudged(Encoding.UTF8.GetBytes(string.Concat(pieces)))).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    [Fact]
    public void Parse_GoodFileWithAnyByteChanged_IsJudged()
    {
        byte[] good = Encoding.UTF8.GetBytes(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "files", "fabric.yaml")));
        IsJudged(good).ShouldBeTrue();
        Prop.ForAll(Gen.Choose(0, good.Length - 1).Zip(Gen.Choose(0, 255)).ToArbitrary(), change =>
        {
            byte[] bytes = [.. good];
            bytes[change.Item1] = (byte)change.Item2;
            return IsJudged(bytes);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }
}
