// SPDX-License-Identifier: MIT
namespace Tombolo.Architecture.Tests;

/// <summary>The text rules themselves, against made-up files: each complains where it is broken, and only there.</summary>
public sealed class SourceRulesTests
{
    [Fact]
    public void Readme_Missing_IsReported()
    {
        using FakeTree fake = new FakeTree().Project("Tombolo.Linux").Project("Tombolo.Wire").File("src/Tombolo.Wire/README.md", "# Tombolo.Wire");
        SourceRules.ProjectsWithoutReadme(fake.Tree).ShouldHaveSingleItem().ShouldStartWith("src/Tombolo.Linux has no README.md");
    }

    [Fact]
    public void License_MissingOrNotFirst_IsReported()
    {
        using FakeTree fake = new FakeTree().Code("class A;").File("src/B.cs", "class B;", "// SPDX-License-Identifier: MIT").File("src/obj/C.cs", "made by the build");
        SourceRules.FilesWithoutLicense(fake.Tree).ShouldHaveSingleItem().ShouldStartWith("src/B.cs");
    }

    [Fact]
    public void TestClass_OnlyAsyncDisposable_IsReported()
    {
        string[] Test(string name, string interfaces) => [$"public sealed class {name} : {interfaces}", "{", "    [Fact]", "    public void A() { }", "}"];
        using FakeTree fake = new FakeTree().File("tests/A/ATests.cs", Test("ATests", "IAsyncDisposable")).File("tests/A/BTests.cs", Test("BTests", "IAsyncLifetime, IDisposable"))
            .File("tests/A/Rig.cs", "internal sealed class Rig : IAsyncDisposable;");
        SourceRules.TestClassesThatAreNeverDisposed(fake.Tree).ShouldHaveSingleItem().ShouldStartWith("tests/A/ATests.cs:1");
    }

    [Theory]
    [InlineData("    [LibraryImport(\"libc\")] private static partial int close(int fd);")]
    [InlineData("    [DllImport(\"libc\")] static extern int close(int fd);")]
    [InlineData("    nint library = NativeLibrary.Load(\"libc\");")]
    public void Import_OutsideLinux_IsReported(string line)
    {
        using FakeTree fake = new FakeTree().Code(line).File("src/Tombolo.Linux/B.cs", line);
        SourceRules.ImportsOutsideLinux(fake.Tree).ShouldHaveSingleItem().ShouldStartWith("src/Tombolo.Fabric/A.cs:2");
    }

    [Fact]
    public void RawHandle_OutsideLinux_IsReported()
    {
        const string Line = "int fd = (int)handle.DangerousGetHandle();";
        using FakeTree fake = new FakeTree().Code(Line).File("src/Tombolo.Linux/B.cs", Line);
        SourceRules.HandlesOpenedOutsideLinux(fake.Tree).ShouldHaveSingleItem().ShouldStartWith("src/Tombolo.Fabric/A.cs:2");
    }

    [Theory]
    [InlineData("Thread.Sleep(1);")]
    [InlineData("var now = DateTime.Now;")]
    [InlineData("var now = DateTimeOffset.UtcNow;")]
    [InlineData("Log(\"a \\\" quote\"); var day = DateTime.Today;")]
    public void SleepOrClock_InCode_IsReported(string line)
    {
        using FakeTree fake = new FakeTree().Code(line);
        SourceRules.SleepsAndClocks(fake.Tree).ShouldHaveSingleItem().ShouldStartWith("src/Tombolo.Fabric/A.cs:2");
    }

    [Theory]
    [InlineData("// never Thread.Sleep here")]
    [InlineData("Log(\"Thread.Sleep\");")]
    [InlineData("var now = time.GetUtcNow();")]
    public void SleepOrClock_InWordsOnly_IsFine(string line)
    {
        using FakeTree fake = new FakeTree().Code(line);
        SourceRules.SleepsAndClocks(fake.Tree).ShouldBeEmpty();
    }

    [Fact]
    public void Unsafe_WithoutReason_IsReported()
    {
        using FakeTree fake = new FakeTree().Code("class A", "{", "    unsafe void One()", "    {", "        byte* p = null;", "    }", "    // SAFETY: of another member.", "    void Two() { }", "}");
        SourceRules.UnsafeWithoutReason(fake.Tree).ShouldHaveSingleItem().ShouldStartWith("src/Tombolo.Fabric/A.cs:4");
    }

    [Fact]
    public void Unsafe_ExpressionWithoutReason_IsReported()
    {
        using FakeTree fake = new FakeTree().Code("class A", "{", "    unsafe int One() =>", "        *(int*)0;", "    // SAFETY: of the next member.", "    int Two() => 2;", "}");
        SourceRules.UnsafeWithoutReason(fake.Tree).ShouldHaveSingleItem().ShouldStartWith("src/Tombolo.Fabric/A.cs:4");
    }

    [Theory]
    [InlineData("    // SAFETY: checked above.", "    unsafe int One() => *p;")]
    [InlineData("    unsafe void One()", "    {", "        // SAFETY: checked above.", "        *p = 1;", "    }")]
    [InlineData("    private static unsafe partial nint write(SafeFd fd, void* buffer, nint count);")]
    [InlineData("    private unsafe struct Header", "    {", "        public void* Name;", "    }")]
    [InlineData("    // an unsafe word in a comment")]
    public void Unsafe_WithReasonOrOnlyDeclared_IsFine(params string[] lines)
    {
        using FakeTree fake = new FakeTree().Code(lines);
        SourceRules.UnsafeWithoutReason(fake.Tree).ShouldBeEmpty();
    }

    [Fact]
    public void Solution_ProjectNotListed_IsReported()
    {
        using FakeTree fake = new FakeTree().Project("Tombolo.Linux").Project("Tombolo.Wire")
            .File("Tombolo.slnx", "<Project Path=\"src/Tombolo.Linux/Tombolo.Linux.csproj\" />");
        SourceRules.ProjectsOutsideSolution(fake.Tree).ShouldHaveSingleItem().ShouldStartWith("src/Tombolo.Wire/Tombolo.Wire.csproj");
    }
}
