// Definitions of the stub's functions.
#include <dlfcn.h>

#include <codecvt>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <locale>

#include "Editor.h"

namespace
{

using Converter = std::wstring_convert<std::codecvt_utf8_utf16<char16_t>, char16_t>;

/** Where the engine finds a path. */
std::filesystem::path Full(const TCHAR* Path)
{
	const char* const base = std::getenv("KOEMORPH_EXECUTABLE_FOLDER");
	return std::filesystem::path(base != nullptr ? base : ".") / StubUtf8(Path);
}

bool Read(const TCHAR* File, std::string* bytes)
{
	std::ifstream stream(Full(File), std::ios::binary);
	bytes->assign(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
	return stream.good() || stream.eof();
}

FString Wide(const std::string& text)
{
	return FString(StubWide(text).c_str());
}

} // namespace

std::u16string StubWide(const std::string& Utf8)
{
	return Converter().from_bytes(Utf8);
}
std::string StubUtf8(const std::u16string& Text)
{
	return Converter().to_bytes(Text);
}

FString FString::Join(const TArray<FString>& Parts, const TCHAR* Separator)
{
	FString joined;
	for (const FString& part : Parts)
		joined = joined.IsEmpty() ? part : joined + FString(Separator) + part;
	return joined;
}

std::u16string FName::Folded() const
{
	std::u16string folded = *Text;
	for (char16_t& letter : folded)
		if (letter >= u'A' && letter <= u'Z')
			letter += u'a' - u'A';
	return folded;
}

void* FPlatformProcess::GetDllHandle(const TCHAR* File)
{
	return dlopen(Full(File).c_str(), RTLD_NOW);
}
void* FPlatformProcess::GetDllExport(void* Handle, const TCHAR* Name)
{
	return dlsym(Handle, StubUtf8(Name).c_str());
}
void FPlatformProcess::FreeDllHandle(void* Handle)
{
	dlclose(Handle);
}

bool FPaths::FileExists(const FString& Path)
{
	return std::filesystem::exists(Full(*Path));
}
FString FPaths::ConvertRelativePathToFull(const FString& Path)
{
	return Wide(Full(*Path).string());
}
FString FPaths::ProjectDir()
{
	return Wide(std::filesystem::current_path().string());
}
FString FPaths::GetBaseFilename(const FString& Path)
{
	return Wide(std::filesystem::path(StubUtf8(*Path)).stem().string());
}

bool FFileHelper::LoadFileToArray(TArray<uint8>& Result, const TCHAR* File, uint32 Flags)
{
	std::string bytes;
	if (!Read(File, &bytes))
		return false;
	Result = TArray<uint8>(reinterpret_cast<const uint8*>(bytes.data()), StubCount(bytes.size()));
	return true;
}
bool FFileHelper::LoadFileToString(FString& Result, const TCHAR* File)
{
	std::string bytes;
	if (!Read(File, &bytes))
		return false;
	Result = Wide(bytes);
	return true;
}

IFileManager& IFileManager::Get()
{
	static IFileManager manager;
	return manager;
}
void IFileManager::FindFiles(TArray<FString>& Found, const TCHAR* Filename, bool bFiles, bool bFolders)
{
	const std::filesystem::path wanted = Full(Filename);
	std::error_code none;
	for (const auto& entry : std::filesystem::directory_iterator(wanted.parent_path(), none))
		if (entry.is_regular_file() && entry.path().extension() == wanted.extension())
			Found.Add(Wide(entry.path().filename().string()));
}

std::vector<std::string>& StubLines()
{
	static std::vector<std::string> lines;
	return lines;
}

FString IPlugin::GetBaseDir() const
{
	return Wide(std::getenv("KOEMORPH_PLUGIN"));
}
IPluginManager& IPluginManager::Get()
{
	static IPluginManager manager;
	return manager;
}
IModularFeatures& IModularFeatures::Get()
{
	static IModularFeatures features;
	return features;
}

std::vector<UObject*>& UObject::StubAlive()
{
	static std::vector<UObject*>* const alive = new std::vector<UObject*>;
	return *alive;
}
UObject::~UObject()
{
	std::erase(StubAlive(), this);
}

void StubPlace(UObject& Object, UObject* Outer, FName Name)
{
	Object.StubName = Name;
	Object.StubActor = StubCast<AActor*>(Outer);
	Object.StubPackage = StubCast<UPackage*>(Outer);
	if (Object.StubPackage != nullptr)
		Object.StubPackage->StubContent.push_back(&Object);
}

UPackage* CreatePackage(const TCHAR* Name)
{
	static TMap<FName, UPackage*> packages;
	if (UPackage** const known = packages.Find(Name))
		return *known;
	UPackage* const made = NewObject<UPackage>(nullptr, Name);
	packages.Add(Name, made);
	return made;
}
FString FPackageName::GetLongPackagePath(const FString& Name)
{
	return Wide(std::filesystem::path(StubUtf8(*Name)).parent_path().string());
}

void UActorComponent::RegisterComponent()
{
	StubActor->StubComponents.push_back(this);
}
UWorld* UActorComponent::GetWorld() const
{
	return StubDefault<UWorld>();
}

FAudioDevice& FAudioDeviceHandle::StubDevice()
{
	static FAudioDevice device;
	return device;
}
